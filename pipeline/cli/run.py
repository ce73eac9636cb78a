"""`shelfsort run`: the whole pipeline on this machine."""

import json

import click

from pipeline.config import load_config
from pipeline.local.console import Console, failures_in_a_line, quiet_console
from pipeline.output_folder import OutputFolder
from shelfsort.contract.modalities import ALONE, COMBINED
from shelfsort.core.errors import NotBlessed
from shelfsort.core.storage import absolute


@click.command()
@click.option(
    "--manifest",
    required=True,
    help="Labelled manifest (JSON Lines), or a folder or pattern of them.",
)
@click.option("--taxonomy", required=True, help="Category tree (JSON).")
@click.option("--output", required=True, help="Folder for the model, the report and all else.")
@click.option("--config", "config_file", help="YAML file of settings; all have defaults.")
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="One setting.")
@click.option("--json", "as_json", is_flag=True, help="End with metrics.json on standard output.")
def run(
    manifest: str,
    taxonomy: str,
    output: str,
    config_file: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Train, calibrate, check and push a model from a labelled manifest.

    Finished steps of an earlier run in the same folder are reused, a killed one's too. The exit
    status is 0 when the model is live, 3 when it is not blessed, 2 for bad input, 1 for a failure.

    \b
    Examples:
      shelfsort run --manifest labelled.manifest --taxonomy taxonomy.json --output out
      shelfsort run --manifest "labels/2026-*.manifest" --taxonomy taxonomy.json --output out
      shelfsort run ... --config shelfsort.yaml --set training.fit.epochs=20
      shelfsort run ... --set gate.approved_by="A. Reviewer"
    """
    run_and_say(manifest, taxonomy, output, config_file, overrides, as_json=as_json)


def run_and_say(
    manifest: str,
    taxonomy: str,
    output: str,
    config_file: str | None = None,
    overrides: tuple[str, ...] = (),
    *,
    as_json: bool = False,
) -> None:
    """Runs, and says on the screen how it went.

    Raises:
        InputError: see `pipeline.local.run.run`.
        NotBlessed: the model may not go live.
    """
    from pipeline.local.run import run as run_pipeline

    config = load_config(config_file, overrides)
    folder = OutputFolder.open(output)
    log = folder.new_log()
    with folder.locked(), quiet_console(log) as console:
        console.say(f"Shelfsort run into {folder.path} (details: {log})")
        with failures_in_a_line(log):
            result = run_pipeline(absolute(manifest), absolute(taxonomy), folder, config, console)
        _say_result(result, folder, console)
    if as_json:
        click.echo(json.dumps(result.metrics))
    if not result.pushed:
        raise NotBlessed("; ".join(result.reasons))


def _say_result(result, folder: OutputFolder, console: Console) -> None:
    console.say(f"Whole run: {result.seconds:.0f} s, at most {result.metrics['peak_rss_mb']:,} MB")
    console.say()
    header = ("eval", "n", "accuracy", "decided at 95 %", "of those right", "decided at 98 %")
    console.say("{:<10}{:>7}{:>22}{:>18}{:>17}{:>18}".format(*header))
    for mode in (*ALONE, COMBINED):
        console.say(_figures(mode, result.metrics[mode]["eval"]))
    console.say()
    if result.pushed:
        console.say(f"Live: version {result.version} in {folder.serving}")
    else:
        console.say("Not blessed:")
        for reason in result.reasons:
            console.say(f"  - {reason}")
    console.say(f"Report: {folder.report}")


def _figures(mode: str, figures: dict) -> str:
    if not figures["n"]:
        return f"{mode:<10}{0:>7}   no product has it"
    interval = f"{figures['accuracy_lower']:.3f}-{figures['accuracy_upper']:.3f}"
    accuracy = f"{figures['accuracy']:.3f} ({interval})"
    right = figures["accepted_accuracy_95"]
    return (
        f"{mode:<10}{figures['n']:>7,}{accuracy:>22}{figures['coverage_at_95']:>18.1%}"
        f"{'-' if right is None else f'{right:.1%}':>17}{figures['coverage_at_98']:>18.1%}"
    )
