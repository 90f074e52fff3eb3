#!/usr/bin/env bash
# The rows of the MacBERT paper's tables (and usual name sets), one command each, for a BERT folder that you have:
#
#   bash scripts/reproduce/finetune.sh MODEL DATA OUTPUT ROW... [-- further flags of `macbert finetune`]
#   bash scripts/reproduce/finetune.sh chinese-macbert-base data results cmrc2018
#   bash scripts/reproduce/finetune.sh chinese-macbert-base data results all
#
# MODEL is a folder with config.json, weights and vocab.txt. A ROW is a name of recipes/finetune/*.yaml, which holds the
# paper's settings; "all" takes every row whose DATA/ROW/train.jsonl is there. DATA/ROW/ holds train.jsonl, dev.jsonl and,
# but for tnews and ocnli, test.jsonl in the annotation format:
#
#   cmrc2018 drcd cjrc         macbert data convert --source squad   --input cmrc2018_train.json --output DATA/cmrc2018/train.jsonl
#   tnews ocnli                macbert data convert --source fewclue --input train.json          --output DATA/tnews/train.jsonl
#   chnsenticorp thucnews xnli lcqmc bq
#                              macbert data convert --source tsv     --input train.tsv           --output DATA/lcqmc/train.jsonl
#                              (a first line with the columns' names: text_a, text_b, label)
#   sighan15                   macbert data convert --source sighan  --input train.json          --output DATA/sighan15/train.jsonl
#   msra / cluener             macbert data convert --source conll / cluener ...
#
# For each seed the best model on dev is scored on dev and test; OUTPUT/ROW/table.md tells the best and the mean over seeds,
# which is how the paper reports. A row whose table is there is not run again.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
recipes="$here/../../recipes/finetune"
read -r -a macbert <<<"${MACBERT:-macbert}"
python="${PYTHON:-python3}"

if (($# < 4)); then
    sed -n '2,/^set /{/^set /!s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
model=$1 data=$2 output=$3
shift 3
rows=()
while (($#)) && [[ $1 != -- ]]; do
    rows+=("$1")
    shift
done
if (($#)); then shift; fi

known=()
for recipe in "$recipes"/*.yaml; do known+=("$(basename "$recipe" .yaml)"); done
if [[ ${rows[*]} == all ]]; then
    rows=()
    for row in "${known[@]}"; do [[ -f $data/$row/train.jsonl ]] && rows+=("$row"); done
fi
for row in "${rows[@]}"; do
    if [[ ! -f $recipes/$row.yaml ]]; then
        echo "finetune.sh: expected rows of ${known[*]}, found '$row'; choose one, or all" >&2
        exit 2
    fi
    for part in train dev; do
        if [[ ! -f $data/$row/$part.jsonl ]]; then
            echo "$data/$row/$part.jsonl: expected labelled texts, found nothing; see the head of $0 for how to make them" >&2
            exit 2
        fi
    done
done
if ((${#rows[@]} == 0)); then
    echo "$data: expected a folder of one of ${known[*]} with train.jsonl, found none; see the head of $0" >&2
    exit 2
fi

for row in "${rows[@]}"; do
    result="$output/$row"
    task="$(sed -n 's/^task: *\([a-z]*\).*/\1/p' "$recipes/$row.yaml")"
    if [[ -f $result/table.md ]]; then
        echo "$row: done, $result/table.md"
        continue
    fi
    if [[ ! -f $result/model/manifest.json ]]; then
        "${macbert[@]}" finetune "$task" --config "$recipes/$row.yaml" --model "$model" \
            --train "$data/$row/train.jsonl" --dev "$data/$row/dev.jsonl" --output "$result/model" "$@"
    fi
    scores=()
    for part in dev test; do
        [[ -f $data/$row/$part.jsonl ]] || continue
        for seed in "$result"/model/seed-*/ "$result/model/"; do
            [[ -f ${seed}task.json ]] || continue
            [[ $seed == "$result/model/" && -d $result/model/seed-0 ]] && continue # several seeds: each for itself
            file="$result/$part-$(basename "$seed").json"
            [[ -f $file ]] || { "${macbert[@]}" evaluate "$task" --model "$seed" --data "$data/$row/$part.jsonl" \
                --json --quiet >"$file.part" && mv "$file.part" "$file"; }
            scores+=("$file")
        done
    done
    "$python" "$here/best_and_mean.py" "$row" "${scores[@]}" >"$result/table.part"
    mv "$result/table.part" "$result/table.md"
    cat "$result/table.md"
done
