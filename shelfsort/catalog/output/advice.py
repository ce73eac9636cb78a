"""What to do next with a catalogue, by its figures."""

from dataclasses import dataclass

from shelfsort.catalog.output.figures import Figures, SourceFigures
from shelfsort.core.terminal import one_line

_REJECTED_SHARE = 0.01
_PASSING = ("timeout", "dead_host", "throttled", "server_error", "too_slow", "cut_off")
"""States of links that another try may help."""


@dataclass(frozen=True)
class Step:
    """Something to do.

    Attributes:
        what: a sentence that says why.
        command: that does it, "" where a person has to.
    """

    what: str
    command: str = ""


def next_steps(figures: Figures, settings: str) -> list[Step]:
    """What to do next, the most urgent first.

    Args:
        figures: of the catalogue.
        settings: path of its settings, for the commands.
    """
    steps = [step for each in figures.sources for step in _of_source(each, settings)]
    if figures.due:
        steps.append(Step(f"{figures.due:,} links are to be tried.", _command("fetch", settings)))
    fetch = _command("fetch", settings)
    steps += [
        Step(f"{count:,} links failed as {state}. Try them again.", f"{fetch} --retry {state}")
        for state, count in figures.links.states.most_common()
        if state in _PASSING
    ]
    unmapped = sum(figures.unmapped.values())
    if unmapped:
        steps.append(
            Step(
                f"{unmapped:,} products have categories that mean no leaf.",
                _command("crosswalk", settings),
            )
        )
    if figures.pictures > 1 and not figures.duplicates.pairs:
        steps.append(
            Step("No two pictures are known to look alike.", _command("duplicates", settings))
        )
    if figures.pictured:
        steps.append(
            Step(
                f"{figures.pictured:,} products have a picture.",
                f"{_command('manifest', settings)} --output products.manifest",
            )
        )
    return steps


def _of_source(each: SourceFigures, settings: str) -> list[Step]:
    name = each.name
    again = f"{_command('import', settings)} --source {name}"
    if not each.passes:
        return [Step(f"{name} was never read.", again)]
    last = each.passes[0]
    steps = []
    if last.outcome == "refused":
        steps.append(Step(f"The last pass over {name} was refused. See why.", again))
    elif last.ended is None:
        steps.append(Step(f"The last pass over {name} did not end.", again))
    if last.rejected > _REJECTED_SHARE * max(1, last.rows + last.rejected):
        steps.append(
            Step(f"{last.rejected:,} rows of {name} are in quarantine. Correct them at the source.")
        )
    if not each.licence and each.on_sale:
        steps.append(Step(f"{name} has no licence. Add it to the settings."))
    return steps


def _command(name: str, settings: str) -> str:
    return f"shelfsort catalog {name} {one_line(settings)}"
