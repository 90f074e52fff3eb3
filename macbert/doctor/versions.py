"""Installed versions against the ranges that were tested; both come from the metadata of the installed package."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from macbert.doctor.findings import Finding, Status

DISTRIBUTION = "macbert-zh"
DEVELOPERS = ("dev", "test")
"""Extras that only those who work on the project need."""


def version_findings() -> Iterator[Finding]:
    """Yield what is wrong with the versions of what is always needed, or that all are in range; then the extras."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        fix = "install it: pip install -e . in the checkout, or pip install macbert-zh"
        yield Finding("versions", DISTRIBUTION, "fault", "not installed, so that no tested ranges are known", fix)
        return
    by_extra = requirements_by_extra(lines)
    always = by_extra.pop("", [])
    wrong = [finding for requirement in always if (finding := _wrong(requirement))]
    yield from wrong
    found = f"{len(always) - len(wrong)} of {len(always)} in the tested range"
    yield Finding("versions", "always needed", "sound" if not wrong else "note", found)
    for extra, requirements in by_extra.items():
        yield _extra(extra, requirements)


def requirements_by_extra(lines: Iterable[str]) -> dict[str, list[Requirement]]:
    """Return the requirements of each extra ("" is always), those for other machines left out.

    >>> found = requirements_by_extra(["torch<3,>=2.10", 'ray<3,>=2.49; extra == "ray"'])
    >>> {extra: [requirement.name for requirement in own] for extra, own in found.items()}
    {'': ['torch'], 'ray': ['ray']}
    """
    found: dict[str, list[Requirement]] = defaultdict(list)
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        extra = _extra_of(requirement)
        # packaging adds its own default environment to what is given.
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            found[extra].append(requirement)
    return dict(found)


def _extra_of(requirement: Requirement) -> str:
    """Return the extra that a requirement belongs to: its marker ends in ``extra == "name"``."""
    text = str(requirement.marker or "").replace("'", '"')
    _, is_extra, rest = text.partition('extra == "')
    return rest.partition('"')[0] if is_extra else ""


def _wrong(requirement: Requirement) -> Finding | None:
    install = f"pip install '{requirement.name}{requirement.specifier}'"
    version = installed_version(requirement.name)
    if version is None:
        return Finding("versions", requirement.name, "fault", "not installed", install)
    if not requirement.specifier.contains(version, prereleases=True):
        found = f"{version}; tested: {requirement.specifier}"
        return Finding("versions", requirement.name, "fault", found, install)
    return None


def _extra(extra: str, requirements: list[Requirement]) -> Finding:
    install = f"pip install '{DISTRIBUTION}[{extra}]'"
    missing, outside, present = [], [], []
    for requirement in requirements:
        version = installed_version(requirement.name)
        if version is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(version, prereleases=True):
            outside.append(f"{requirement.name} {version} (tested: {requirement.specifier})")
        else:
            present.append(f"{requirement.name} {version}")
    if outside:
        # A command that needs the extra would run on what nobody tried.
        status: Status = "note" if extra in DEVELOPERS else "fault"
        return Finding("extras", extra, status, "; ".join(outside), install)
    if missing:
        return Finding("extras", extra, "note", f"missing: {', '.join(missing)}", f"if you need it: {install}")
    return Finding("extras", extra, "sound", ", ".join(present))


def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def package_findings() -> Iterator[Finding]:
    """Yield whether our ``corpus`` and ``tokenizer`` are ours alone.

    A path in front of ours is refused at the door, before this is reached; what only shows here is another distribution
    of the same name, whose files lie in the same folder as ours.
    """
    import macbert

    owners = metadata.packages_distributions()
    hidden = macbert.foreign_floors()
    for floor in ("corpus", "tokenizer"):
        others = sorted(set(owners.get(floor, [])) - {DISTRIBUTION})
        if floor in hidden:
            fix = "rename it, or run from another folder"
            yield Finding("packages", floor, "fault", f"{hidden[floor]} stands in front of ours", fix)
        elif others:
            fix = f"pip uninstall {' '.join(others)}; pip install --force-reinstall --no-deps {DISTRIBUTION}"
            yield Finding("packages", floor, "fault", f"{', '.join(others)} installs a '{floor}' too", fix)
        else:
            yield Finding("packages", floor, "sound", "ours")
