"""`shelfsort run`: the whole pipeline on this machine."""

import json
from collections.abc import Sequence

import click

from pipeline.cli.options import data_options, data_overrides, settings_options
from pipeline.cli.tuned import tuned_overrides
from pipeline.config import load_config
from pipeline.local.console import Console, failures_in_a_line, quiet_console
from pipeline.output_folder import OutputFolder
from shelfsort.cli.tables import Column, table_lines
from shelfsort.contract.figures import accepted_accuracy, coverage, targets_of
from shelfsort.contract.modalities import ALONE, COMBINED
from shelfsort.contract.targets import percent_of
from shelfsort.core.errors import NotBlessed
from shelfsort.core.storage import absolute

_NAMED = 5


@click.command()
@click.option(
    "--data",
    "--manifest",
    "data",
    required=True,
    help="Labelled products: CSV, Excel, Parquet, JSON, a labelled manifest, a folder of images by "
    "category, or a folder or pattern of such files.",
)
@data_options
@click.option("--output", required=True, help="Folder for all output.")
@settings_options
@click.option(
    "--tuned",
    metavar="FILE|RUN",
    help="Settings that a search has found: its file, or a run of the output folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print metrics.json at the end.")
def run(
    data: str,
    taxonomy: str,
    columns: tuple[str, ...],
    categories: tuple[str, ...],
    min_products: int | None,
    output: str,
    config_file: str | None,
    overrides: tuple[str, ...],
    tuned: str | None,
    as_json: bool,
) -> None:
    """Train, calibrate, check and push a model from labelled products.

    A run reuses the finished steps of earlier runs in the same folder, including killed ones. The
    exit status is 0 if the model is live, 3 if the gate refused it, 2 for unusable input and 1 for
    a failure.

    `--set tuning.trials=50` searches settings before training. A later run takes what was found
    with `--tuned`; `--set` replaces single values of it.

    A pretrained text encoder is off by default: `--set training.text.encoder=minilm` reads English
    titles, `e5_multilingual` titles in several languages. With
    `training.text.fine_tuning.layers=last_blocks` it learns from your titles first.

    \b
    Examples:
      shelfsort run --data products.csv --output out
      shelfsort run --data products.xlsx --columns title=Name,image=Photo --output out
      shelfsort run --data products.csv --categories "Kitchen > Mugs" --min-products 20 --output out
      shelfsort run --manifest labelled.manifest --taxonomy taxonomy.json --output out
      shelfsort run --manifest "labels/2026-*.manifest" --taxonomy taxonomy.json --output out
      shelfsort run ... --config shelfsort.yaml --set training.fit.epochs=20
      shelfsort run ... --set gate.approved_by="A. Reviewer"
      shelfsort run ... --set tuning.trials=50 --set tuning.workers=2
      shelfsort run ... --tuned latest
    """
    chosen = data_overrides(columns, categories, min_products)
    found = tuned_overrides(tuned, output) if tuned else ()
    run_and_say(data, taxonomy, output, config_file, (*chosen, *found, *overrides), as_json=as_json)


def run_and_say(
    manifest: str,
    taxonomy: str,
    output: str,
    config_file: str | None = None,
    overrides: tuple[str, ...] = (),
    *,
    as_json: bool = False,
) -> None:
    """Runs the pipeline and prints its progress, figures and verdict.

    Raises:
        InputError: see `pipeline.local.run.run`.
        NotBlessed: the model may not go live.
    """
    from pipeline.local.run import run as run_pipeline

    config = load_config(config_file, overrides)
    folder = OutputFolder.open(output)
    log = folder.new_log()
    with folder.locked(), quiet_console(log) as console:
        console.say(f"Shelfsort run, output in {folder.path} (details: {log})")
        with failures_in_a_line(log):
            tree = absolute(taxonomy) if taxonomy else ""
            result = run_pipeline(absolute(manifest), tree, folder, config, console)
        _say_result(result, folder, console)
    if as_json:
        click.echo(json.dumps(result.metrics))
    if not result.pushed:
        # The reasons stand above, each once.
        raise NotBlessed(", ".join(reason.split(":")[0] for reason in result.reasons))


def _say_result(result, folder: OutputFolder, console: Console) -> None:
    peak = result.metrics["peak_rss_mb"]
    console.say(f"Whole run: {result.seconds:.0f} s, peak memory {peak:,} MB")
    console.say()
    for line in _table(result.metrics, console.width):
        console.say(line)
    console.say()
    for proof in result.failed_proofs:
        console.say(str(proof))
        for each in proof.wrong[:_NAMED]:
            console.say(
                f"  product {each.product_id}: label {each.label or 'unknown'}, prediction "
                f"{each.predicted} ({each.score:.3f})"
            )
    for sentence in result.outlook:
        console.say(sentence)
    if result.pushed:
        console.say(f"Live: version {result.version} in {folder.serving}")
    else:
        console.say("The gate refused the model:")
        for reason in result.reasons:
            console.say(f"  - {reason}")
        console.say(
            "A named person can let it go live all the same: --set gate.approved_by=NAME. The "
            "finished steps are reused."
        )
    console.say(f"Report: {folder.report}")


def _table(metrics: dict, width: int | None) -> list[str]:
    targets = targets_of(metrics[COMBINED]["eval"])
    heads = ["n", "accuracy"]
    for target in targets:
        heads += [f"coverage at {percent_of(target)} %", "accuracy of those"]
    columns = [Column("eval"), *(Column(name, number=True) for name in heads)]
    rows = [_figures(mode, metrics[mode]["eval"], targets) for mode in (*ALONE, COMBINED)]
    return table_lines(columns, rows, width)


def _figures(mode: str, figures: dict, targets: Sequence[float]) -> list[str]:
    if not figures["n"]:
        return [mode, "0", "-", *["-", "-"] * len(targets)]
    interval = f"{figures['accuracy_lower']:.3f}-{figures['accuracy_upper']:.3f}"
    row = [mode, f"{figures['n']:,}", f"{figures['accuracy']:.3f} ({interval})"]
    for target in targets:
        right = figures[accepted_accuracy(target)]
        row += [f"{figures[coverage(target)]:.1%}", "-" if right is None else f"{right:.1%}"]
    return row
