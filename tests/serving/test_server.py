"""A real server and real clients: right answers, together and in order; everything else refused; nothing lost."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

SIGNS = "王芳李雷在北京上海工作学习今天明天去了和。"


def some_text(number: int) -> str:
    rng = random.Random(number)
    return "".join(rng.choices(SIGNS, k=rng.randrange(0, 90)))


def test_many_clients_at_once_get_each_their_own_answer(server: Any, exported: Path) -> None:
    from macbert.annotations import example_as_json
    from macbert.exporting import load_exported

    requests = [[some_text(7 * number + place) for place in range(number % 4 + 1)] for number in range(120)]
    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(lambda texts: server.ask("POST", "/extract", {"texts": texts}), requests))
    extractor = load_exported(exported)
    found = 0
    for texts, (status, answer, _) in zip(requests, answers, strict=True):
        assert status == 200, answer
        expected = [example_as_json(item.example, surfaces=True) for item in extractor.extract(texts)]
        assert [without_scores(result) for result in answer["results"]] == [without_scores(e) for e in expected]
        found += sum(len(result["entities"]) for result in answer["results"])
    assert found > 100
    figures = dict(line.rsplit(" ", 1) for line in server.ask("GET", "/metrics")[1].splitlines() if line[0] != "#")
    assert int(figures["macbert_batched_requests_total"]) >= 120
    assert int(figures["macbert_batches_total"]) <= int(figures["macbert_batched_requests_total"])
    assert int(figures['macbert_requests_total{status="200"}']) >= 120


def without_scores(value: Any) -> Any:
    """Leave out confidences: rows of another batch are summed in another order, to the seventh digit."""
    if isinstance(value, dict):
        return {key: without_scores(item) for key, item in value.items() if key != "score"}
    return [without_scores(item) for item in value] if isinstance(value, list) else value


def test_a_schema_keeps_what_is_asked_for(server: Any) -> None:
    texts = [some_text(number) for number in range(4)]
    _, everything, _ = server.ask("POST", "/extract", {"texts": texts})
    _, places, _ = server.ask("POST", "/extract", {"texts": texts, "schema": ["地点"]})
    kinds = {entity["type"] for result in everything["results"] for entity in result["entities"]}
    assert kinds == {"人物", "地点"}
    for all_, some in zip(everything["results"], places["results"], strict=True):
        assert [e["start"] for e in some["entities"]] == [e["start"] for e in all_["entities"] if e["type"] == "地点"]
    status, told, _ = server.ask("POST", "/extract", {"texts": texts, "schema": ["地名"]})
    assert status == 422
    assert "'地名'" in told["detail"][0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"texts": ["王"] * 9}, 413),
        ({"texts": ["王" * 3001]}, 413),
        (b"x" * 20001, 413),
        ({"texts": []}, 422),
        ({"texts": ["王"], "path": "/etc/passwd"}, 422),
        ({"texts": [["王", "李"]]}, 422),
        ({"texts": [7]}, 422),
        ({"texts": "王"}, 422),
        (b'{"texts": ["', 422),
        (b'{"texts": ["\xff"]}', 400),
        (b"[" * 15000, 400),
        (b"", 422),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_request_of_another_form_or_size_is_refused(server: Any, body: Any, status: int) -> None:
    found, told, _ = server.ask("POST", "/extract", body)
    assert (found, "detail" in told) == (status, True)
    assert server.ask("POST", "/extract", {"texts": ["王芳在北京"]})[0] == 200


def test_any_string_of_json_is_answered(server: Any) -> None:
    body = b'{"texts": ["\\u0000\\ud83d\\ude00", "a\\u0301", "\\u202e\\uffff"]}'
    assert server.ask("POST", "/extract", body)[0] == 200
    # Half a surrogate pair is no text: said so, wherever it stands, and never sent back.
    for wrong in (b'["\\ud800"]', b'["a"], "schema": ["\\ud800"]', b'["a"], "\\ud800": 1'):
        status, told, _ = server.ask("POST", "/extract", b'{"texts": ' + wrong + b"}")
        assert status == 422, told


def talk(port: int, *parts: bytes) -> bytes:
    """Send raw bytes and return everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        for part in parts:
            connection.sendall(part)
        received = b""
        while block := connection.recv(65536):
            received += block
    return received


def test_a_huge_body_without_a_length_is_cut_off(server: Any) -> None:
    head = b"POST /extract HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    assert talk(server.port, head, *[chunk] * 5).startswith(b"HTTP/1.1 413")


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(server: Any) -> None:
    head = b"POST /extract HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n"
    assert talk(server.port, head).startswith(b"HTTP/1.1 413")


def test_a_body_that_never_comes_is_given_up(start: Callable[..., Any]) -> None:
    server = start("--timeout-seconds", "2")
    begin = time.monotonic()
    head = b"POST /extract HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n"
    assert talk(server.port, head, b"{").startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begin >= 2


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "https://friend.example"}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "evil.example", "origin": "http://evil.example"}, 421),
        ({"host": "localhost:1"}, 200),
    ],
    ids=str,
)
def test_pages_of_others_are_refused(server: Any, headers: dict[str, str], status: int) -> None:
    assert server.ask("POST", "/extract", {"texts": ["王芳"]}, headers)[0] == status


def test_a_page_of_the_servers_own_may_call_it(server: Any) -> None:
    own = {"origin": f"http://127.0.0.1:{server.port}"}
    assert server.ask("POST", "/extract", {"texts": ["王芳"]}, own)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/docs/../../etc/passwd",
        "/docs/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/model.onnx",
        "/task.json",
        "/extract/../task.json",
    ],
)
def test_no_path_leads_to_a_file(server: Any, path: str) -> None:
    status, told, _ = server.ask("GET", path)
    assert (status, told) == (404, {"detail": "Not Found"})


def test_health_documentation_and_the_interface_are_told(server: Any) -> None:
    assert server.ask("GET", "/health")[:2] == (200, {"status": "ok"})
    assert server.ask("GET", "/docs")[0] == 200
    status, interface, headers = server.ask("GET", "/openapi.json")
    assert status == 200
    assert {"/extract", "/health", "/metrics"} <= set(interface["paths"])
    assert "server" not in headers


def test_a_token_is_asked_for_where_there_is_one(start: Callable[..., Any], tmp_path: Path) -> None:
    token = "a-token-of-enough-signs"
    (tmp_path / "token").write_text(token + "\n", encoding="utf-8")
    server = start("--token-file", str(tmp_path / "token"))
    body = {"texts": ["王芳"]}
    for given in (None, "", "Bearer", f"Bearer {token}x", token, "Bearer \u00e9"):
        headers = {} if given is None else {"authorization": given}
        status, _, told = server.ask("POST", "/extract", body, headers)
        assert (status, told["www-authenticate"]) == (401, "Bearer"), given
    assert server.ask("GET", "/metrics")[0] == 401
    assert server.ask("POST", "/extract", body, {"authorization": f"Bearer {token}"})[0] == 200
    assert server.ask("GET", "/health")[0] == 200


def test_an_end_in_the_middle_loses_no_request(start: Callable[..., Any]) -> None:
    server = start()
    body = json.dumps({"texts": ["王芳在北京工作"]}).encode()
    connections = []
    for _ in range(24):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
        connection.putrequest("POST", "/extract")
        connection.putheader("content-type", "application/json")
        connection.putheader("content-length", str(len(body)))
        connection.endheaders()
        connection.send(body[:10])
        connections.append(connection)
    time.sleep(1)  # until the server has read the headers of all
    server.process.terminate()
    time.sleep(0.5)
    with pytest.raises(OSError, match="refused"):
        server.ask("GET", "/health")
    for connection in connections:
        connection.send(body[10:])
        answer = connection.getresponse()
        assert answer.status == 200
        assert len(json.loads(answer.read())["results"]) == 1
        connection.close()
    out, error = server.process.communicate(timeout=120)
    assert server.process.returncode == 0, error
    assert "Traceback" not in error
    assert "25" in out.split("requests")[1].split()[0]  # and the one that asked whether it was there


def test_a_port_in_use_is_told(server: Any, exported: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from macbert.cli import main

    assert main(["serve", "--model", str(exported), "--port", str(server.port), "--quiet"]) == 2
    expected = f"--port: expected a free port, found {server.port}, one in use"
    assert expected in capsys.readouterr().err
