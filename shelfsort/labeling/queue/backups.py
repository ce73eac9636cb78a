"""Backs up and restores a file of answers."""

import shutil
from datetime import datetime, timezone
from pathlib import Path
from tempfile import NamedTemporaryFile

from shelfsort.core.backups.archive import Heading, reading_backup, write_backup
from shelfsort.core.backups.placing import place_new
from shelfsort.core.errors import InputError, RunFailed
from shelfsort.core.files import refuse_inputs, sync_folder
from shelfsort.core.storage import Place
from shelfsort.labeling.queue.log import AnswerLog, read_log

ANSWERS = "answers"
_PRIVATE = 0o600


def back_up_answers(path: Path, target: Place) -> Heading:
    """Writes the answers of this moment to a file; people may go on labelling.

    Raises:
        InputError: it is no file of answers.
        OSError: the backup cannot be written.
    """
    refuse_inputs(target, path, option="--to")
    made = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with NamedTemporaryFile(prefix="shelfsort-backup-") as copy:
        with path.open("rb") as stream:
            shutil.copyfileobj(stream, copy)
        # A line that is being written is nobody's answer yet.
        copy.seek(0)
        copy.truncate(copy.read().rfind(b"\n") + 1)
        copy.flush()
        rows = {ANSWERS: sum(1 for _ in read_log(copy.name))}
        return write_backup(target, Heading(ANSWERS, made, {}, rows), Path(copy.name))


def restore_answers(source: Place, path: Path, *, replace: bool) -> Heading:
    """Restores a file of answers, all of it or nothing.

    Raises:
        InputError: the backup is damaged or of something else, the file is there, or it is in use.
        RunFailed: the content is not what the heading says.
    """
    if not path.absolute().parent.is_dir():
        raise InputError(f"{path.parent}: there is no such folder. Make it, or give another path.")
    with reading_backup(source, path.absolute().parent) as (heading, content):
        if heading.kind != ANSWERS:
            raise InputError(f"{source}: a backup of {heading.kind}. Give one of answers.")
        if sum(1 for _ in read_log(str(content))) != heading.rows.get(ANSWERS):
            raise RunFailed(f"{source}: the answers are not those of the backup's heading")
        content.chmod(_PRIVATE)
        if not (replace and path.exists()):
            place_new(content, path)
            return heading
        # Nobody labels into the file that goes.
        log = AnswerLog(path, lambda _: None)
        try:
            content.replace(path.resolve())
            sync_folder(path.resolve().parent)
        finally:
            log.close()
    return heading
