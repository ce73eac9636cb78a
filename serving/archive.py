"""A version of a model as one archive, for services that unpack a model by themselves."""

import gzip
import tarfile

from serving.versions import ModelVersion
from shelfsort.core.files import writing
from shelfsort.core.storage import Place, file_state, files_beneath, join, open_binary


def write_archive(version: ModelVersion, name: str, place: Place) -> int:
    """Writes `<name>/<number>/…` with all files of a version as a gzipped tar archive.

    That is the layout of `model.tar.gz` in which SageMaker's TensorFlow Serving container looks for
    models. Equal files give an equal archive, byte for byte: it holds no times and no owners.

    Args:
        version: a whole version, see `versions.problems`.
        name: of the model, which a server answers under.
        place: file to write, a path or an address in an object store.

    Returns:
        The archive's size in bytes.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    with (
        writing(place) as stream,
        gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed,
        # Written as a stream, so that no model has to fit into memory.
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for file in sorted(files_beneath(version.path)):
            source = join(version.path, file)
            entry = tarfile.TarInfo(f"{name}/{version.number}/{file}")
            entry.size, _ = file_state(source)
            with open_binary(source) as content:
                archive.addfile(entry, content)
    return file_state(place)[0]
