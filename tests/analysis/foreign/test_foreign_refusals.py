"""What cannot be read or compared is refused in one sentence that says what to do."""

import pytest

from analysis.foreign import Refused, read, read_options, understand
from runner.metrics import UnknownMetric


def table(written, rows=None, name="table.csv", **changes):
    rows = rows or [
        {"a": a, "seed": seed, "val_accuracy": 0.5 + a / 10 + seed / 100, "val_loss": 0.5 + seed / 7}
        for a in (0, 1)
        for seed in range(3)
    ]
    return written([row | changes for row in rows], name)


def understood(path, **options):
    return understand(read([path]), read_options(**options))


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(Refused, match="PATH must be a file or folder that is there; got 'nowhere'"):
        read(["nowhere"])
    with pytest.raises(Refused, match="PATH must be given at least once"):
        read([])


def test_nothing_readable_at_a_path(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(
        Refused, match=r"PATH must hold Hydra job folders.*or a CSV or Parquet file; got nothing of these at"
    ):
        read([tmp_path])
    (tmp_path / ".aim").mkdir()
    (tmp_path / ".aim" / "run.db").write_text("x")
    with pytest.raises(Refused, match=r"Aim keeps a database of its own: export its runs as CSV\."):
        read([tmp_path])


def test_mixed_kinds(written, unpacked):
    folder = unpacked("lightning")
    with pytest.raises(
        Refused,
        match=r"files of one kind; got Lightning CSV logs at lightning, tidy table at table.csv. Import each kind",
    ):
        read([folder, table(written)])


def test_another_kind_below_the_same_path_is_left_out_and_said(written, unpacked):
    folder = unpacked("lightning")
    table(written, name=f"{folder}/paper/table.csv")
    assert read([folder]).notes == ("tidy table: another kind, at lightning/paper/table.csv",)


def test_a_single_run_in_every_cell(written):
    rows = [{"lr": lr, "seed": 1, "val_accuracy": lr / 2} for lr in (1, 2, 3)]
    with pytest.raises(
        Refused, match=r"lr is other in every run, so that there is a single run in every cell. Train every"
    ):
        understood(table(written, rows))
    rows = [{"lr": lr, "net": net, "seed": 1, "val_accuracy": lr / 7} for lr in (1, 2) for net in "ab"]
    with pytest.raises(
        Refused, match=r"it has a single run in every cell of lr x net, and .* further seeds, three or more"
    ):
        understood(table(written, rows))


def test_nothing_that_varies(written):
    rows = [{"lr": 0.1, "seed": seed, "val_accuracy": seed / 7} for seed in range(3)]
    with pytest.raises(Refused, match=r"runs whose settings vary; nothing varies between these but seeds"):
        understood(table(written, rows))
    rows = [{"lr": 0.1, "net": net, "seed": seed, "val_accuracy": seed / 7} for seed in range(3) for net in "ab"]
    with pytest.raises(Refused, match="--factors must name keys with several values; lr has one"):
        understood(table(written, rows), factors="lr")


def test_the_same_run_twice_with_other_values(written):
    rows = [
        {"a": a, "seed": seed, "val_accuracy": (a + seed) / 7 + n / 100}
        for a in (0, 1)
        for seed in range(3)
        for n in (0, 1)
    ]
    with pytest.raises(
        Refused,
        match=r"each run once; a=0, seed 0 is there twice with other values: val_accuracy is 0.0 in table.csv, "
        r"line 2 and 0.01 in table.csv, line 3. Keep one of them. --seed none counts both",
    ):
        understood(table(written, rows))
    assert understood(table(written, rows), seed="none").declaration["seeds"] == list(range(6))
    rows = [row | {"data": "xy"[place % 2]} for place, row in enumerate(rows)]
    with pytest.raises(Refused, match=r"They differ in data: name it in --factors, or choose one value by --where"):
        understood(table(written, rows), factors="a")


def test_the_same_id_in_two_stores_with_other_values(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for store, value in (("one", 0.5), ("copy", 0.5), ("other", 0.25)):
        for number in range(2):
            run = tmp_path / store / "0" / f"r{number}"
            (run / "metrics").mkdir(parents=True)
            (run / "meta.yaml").write_text(f"run_id: r{number}\nstatus: FINISHED\nstart_time: {number}\n")
            (run / "metrics" / "val_loss").write_text(f"1 {value} 0\n")
    assert read(["one", "copy"]).notes == ("2 runs read twice, with the same values",)
    assert len(read(["one", "copy"]).runs) == 2
    with pytest.raises(Refused, match="each run once; run r0 is there twice with other values"):
        read(["one", "other"])


def test_an_unknown_direction(written):
    rows = [
        {"a": a, "seed": seed, "epoch": epoch, "val_bleu": seed + epoch / 7, "val_rouge": a + epoch / 3}
        for a in (0, 1)
        for seed in range(2)
        for epoch in range(3)
    ]
    with pytest.raises(
        UnknownMetric, match=r"better for bleu, rouge; .* Add --better bleu=higher,rouge=higher with higher"
    ):
        understood(table(written, rows))
    assert len(understood(table(written, rows), better="val_bleu=higher,rouge=neither").declaration["metrics"]) == 2


def test_epochs_of_unequal_number_without_at(written):
    rows = [
        {"a": a, "seed": seed, "epoch": epoch, "val_loss": seed + epoch / 7}
        for a in (0, 1)
        for seed in range(2)
        for epoch in range(3 + seed)
    ]
    with pytest.raises(
        Refused,
        match=r"--at must say at which epoch runs are compared, since they end at different ones \(2 at 4, 2 at 3\); "
        r"got nothing. Add --at last where each has stopped by itself, --at epoch=3, which all have reached, "
        r"or --at epoch=4, where the shorter ones count as unfinished",
    ):
        understood(table(written, rows))
    with pytest.raises(Refused, match="--at must be an epoch that a run has, at most 4; got epoch=9"):
        understood(table(written, rows), at="epoch=9")


def test_a_best_epoch_alone(written):
    rows = [{"a": a, "seed": seed, "best_val_acc": a + seed / 7} for a in (0, 1) for seed in range(3)]
    with pytest.raises(
        Refused,
        match=r"best_val_acc is of the best epoch, chosen by what it reports.*Ask for it by --primary best_val_acc",
    ):
        understood(table(written, rows))


def test_no_metric_at_all(written):
    rows = [{"a": a, "seed": seed, "count": a + seed} for a in (0, 1) for seed in range(3)]
    with pytest.raises(Refused, match=r"at least one metric to compare; got none. Name a column and its direction"):
        understood(table(written, rows))
    assert understood(table(written, rows), better="count=higher").declaration["metrics"][0]["name"] == "count"


def test_no_complete_run(written):
    with pytest.raises(Refused, match="must hold a complete run; of 6 runs none is, 6 failed"):
        understood(table(written, status="failed"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"factors": "sead"},
            r"--factors must name keys of the configuration: a, seed; got 'sead'. Did you mean seed\?",
        ),
        (
            {"seed": "Sed"},
            r"--seed must name a key of the configuration, or none: a, seed; got 'Sed'. Did you mean seed\?",
        ),
        ({"where": "aa=1"}, r"--where must name keys of the configuration: a, seed, .*; got 'aa'. Did you mean a\?"),
        ({"where": "a=7"}, "--where a must be one of its values, 0, 1; got '7'"),
        ({"where": "a=0,seed=9"}, "--where seed must be one of its values, 0, 1, 2; got '9'"),
        ({"baseline": "b=1"}, "--baseline must name one of the factors: a; got 'b'"),
        ({"baseline": "a=5"}, "--baseline a must be one of its levels, 0, 1; got '5'"),
        (
            {"primary": "acuracy"},
            r"--primary must name one of the metrics: accuracy, loss; got .* Did you mean accuracy\?",
        ),
        ({"better": "val_los=lower"}, r"--better must name one of the metrics: .* Did you mean loss\?"),
        ({"sesoi": "f1=0.1"}, "--sesoi must name one of the metrics: accuracy, loss; got 'f1'"),
    ],
)
def test_an_unknown_name_in_an_option(written, options, told):
    with pytest.raises(Refused, match=told):
        understood(table(written), **options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"better": "loss=down"}, "--better loss must be one of higher, lower, neither; got 'down'"),
        ({"better": "loss"}, "--better must be written name=value,name=value; got 'loss'"),
        ({"sesoi": "loss=-1"}, "--sesoi loss must be a number above 0, as stored in the files; got -1.0"),
        ({"sesoi": "loss=x"}, "--sesoi loss must be a number above 0, as stored in the files; got 'x'"),
        ({"at": "10"}, "--at must be last or epoch=<number from 1>; got '10'"),
        ({"at": "epoch=0"}, "--at must be last or epoch=<number from 1>; got 0"),
        ({"pair": "fold"}, "--pair must be seed, or be left out; got 'fold'"),
        ({"name": "../x"}, "--name must be a folder name of at most 80 letters.*got '../x'"),
        ({"name": "runs"}, "--name must be a folder name .* none of runs, quarantine; got 'runs'"),
    ],
)
def test_an_option_that_is_not_what_it_must_be(options, told):
    with pytest.raises(Refused, match=told):
        read_options(**options)


def test_a_refusal_is_one_paragraph(written):
    with pytest.raises(Refused) as caught:
        understood(table(written), factors="sead")
    assert "\n" not in str(caught.value)


def test_two_trainings_in_one_file(written, unpacked, tmp_path):
    folder = unpacked("hydra_keras")
    path = tmp_path / folder / "plain" / "0" / "training.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, "0,0.1,0.2,0.3,0.4"]) + "\n")
    with pytest.raises(
        Refused, match=r"training.csv must have one row an epoch; epoch 0 is there twice with other values"
    ):
        read([f"{folder}/plain"])
