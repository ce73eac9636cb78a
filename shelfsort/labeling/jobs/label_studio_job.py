"""The same job in Label Studio: k projects with the same products, for k answers about each.

Its Community edition asks one person about a task. Where different people work in each project,
nobody is asked about a product twice.
"""

import os
from collections.abc import Iterator
from typing import Any

from shelfsort.core.errors import InputError
from shelfsort.core.files import write_bytes
from shelfsort.core.storage import absolute, join
from shelfsort.labeling.jobs.label_studio_server import LabelStudio
from shelfsort.labeling.jobs.settings import JobSettings
from shelfsort.labeling.jobs.written import refuse_existing

TOKEN = "LABEL_STUDIO_TOKEN"


def server(url: str) -> LabelStudio:
    """The server, with the token of the environment variable `LABEL_STUDIO_TOKEN`.

    Raises:
        InputError: the variable is not set, or the token is refused.
        RunFailed: the server does not answer.
    """
    token = os.environ.get(TOKEN, "")
    if not token:
        raise InputError(f"{TOKEN}: is not set. Set it to an access token of your account.")
    return LabelStudio(url, token)


def project_titles(job: JobSettings) -> list[str]:
    """The title of each project."""
    k = job.workers
    return [job.name] if k == 1 else [f"{job.name} ({n} of {k})" for n in range(1, k + 1)]


def create_projects(
    studio: LabelStudio, job: JobSettings, config: str, tasks: list[dict[str, Any]]
) -> dict[str, int]:
    """Creates the projects with their tasks; all of them, or none.

    Returns:
        The id of each project by its title.

    Raises:
        InputError: there is a project of such a title.
        RunFailed: the server refuses.
    """
    titles = project_titles(job)
    if taken := sorted(set(titles) & set(studio.ids())):
        raise InputError(f"{taken[0]}: there is a project of this title. Choose another name.")
    made: dict[str, int] = {}
    try:
        for title in titles:
            made[title] = studio.create_project(title, job.description, config)
            studio.add_tasks(made[title], tasks)
    except BaseException:
        for project in made.values():
            studio.remove_project(project)
        raise
    return made


def existing_projects(studio: LabelStudio, job: JobSettings) -> dict[str, int]:
    """The id of each project of a submitted job. Raises InputError where one is missing."""
    known = studio.ids()
    titles = project_titles(job)
    if missing := [title for title in titles if title not in known]:
        raise InputError(f"{missing[0]}: no such project. Submit the job first.")
    return {title: known[title] for title in titles}


def counts(studio: LabelStudio, projects: dict[str, int]) -> Iterator[tuple[str, int, int]]:
    """Title, number of tasks and number of tasks with an answer, of each project."""
    for title, project in projects.items():
        yield title, *studio.counts(project)


def save_answers(studio: LabelStudio, projects: dict[str, int], folder: str) -> list[str]:
    """Writes the answers of each project into a folder; returns the files.

    Raises:
        InputError: a file is there already.
    """
    places = [join(absolute(folder), f"project-{n}.json") for n in range(1, len(projects) + 1)]
    for place in places:
        refuse_existing(place)
    for place, project in zip(places, projects.values(), strict=True):
        write_bytes(place, studio.export(project))
    return places
