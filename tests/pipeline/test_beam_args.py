"""Beam's options: refused where Beam would be silent, completed for each component."""

import pytest

from pipeline.beam_args import check_beam_args, check_shared_root, component_args
from pipeline.config import load_config
from pipeline.settings import BeamConfig
from shelfsort.core.errors import InputError

DIGEST = "registry.example/shelfsort@sha256:" + "a" * 64
DATAFLOW = ("--runner=DataflowRunner", "--project=p", "--region=r", "--temp_location=gs://b/t")
POOL = ("--runner=FlinkRunner", "--environment_type=EXTERNAL", "--environment_config=pool:50000")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--runer=FlinkRunner"], "no option --runer. Did you mean --runner?"),
        (["--runner=FlinkRuner"], "no runner 'FlinkRuner'. Did you mean 'FlinkRunner'?"),
        (["--runner=flink", "--paralelism=4"], "Did you mean --parallelism?"),
        (["--object_reuse"], "no option --object_reuse. Leave it out."),
        (["--direct_num_workers=two"], "invalid int value: 'two'"),
        (["--no_auth=true"], "--no_auth"),
        (["--runner", "DirectRunner", "stray"], "'stray' is no option"),
        (["runner=DirectRunner"], "Write each as --name=value"),
    ],
)
def test_what_beam_would_ignore_is_refused_and_the_nearest_option_named(args, said):
    with pytest.raises(InputError) as refused:
        check_beam_args(args, "beam.args")
    assert str(refused.value).startswith("beam.args: ") and said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "args",
    [
        BeamConfig().args,
        DATAFLOW,
        ("--runner=direct", "--direct_running_mode", "multi_processing"),
        ("--runner=my.own.Runner",),
        # Options of Flink's job server, unknown to Beam's Python side, which passes them on.
        (*POOL, "--object_reuse", "--execution_mode_for_batch=BATCH_FORCED"),
        ("--experiments=pre_optimize=all", "--experiments=beam_fn_api"),
    ],
)
def test_what_a_runner_takes_is_let_through(args):
    check_beam_args(args, "beam.args")


@pytest.mark.parametrize("name", ["--s3_secret_access_key", "--azure_connection_string"])
def test_a_secret_is_refused_and_not_repeated(name):
    with pytest.raises(InputError, match="in the environment") as refused:
        check_beam_args([f"{name}=hunter2"], "beam.args")
    assert "hunter2" not in str(refused.value)


def test_a_configuration_is_checked_when_it_is_read_and_the_line_is_named(tmp_path):
    path = tmp_path / "shelfsort.yaml"
    path.write_text("name: x\nbeam:\n  components:\n    Transform:\n      - --paralel=4\n")
    with pytest.raises(InputError, match=r"shelfsort.yaml:4: beam.components.Transform: .*--paral"):
        load_config(str(path))


def test_a_component_that_does_not_use_beam_is_refused():
    with pytest.raises(InputError, match="'ManifestExampleGen', 'StatisticsGen', 'Transform'"):
        load_config(None, ["beam.components={Trainer: [--runner=DirectRunner]}"])


def test_a_components_own_options_stand_in_place_of_the_common_ones():
    config = BeamConfig(args=("--direct_num_workers=2",), components={"Transform": POOL})
    assert component_args("Transform", config)[: len(POOL)] == list(POOL)
    assert component_args("Evaluator", config)[0] == "--direct_num_workers=2"


def test_tfx_is_told_of_an_image_so_that_it_packs_up_no_sources():
    from tfx.utils import dependency_utils

    args = component_args("Transform", BeamConfig())
    assert dependency_utils.make_beam_dependency_flags(args) == args


@pytest.mark.parametrize(
    ("args", "option"),
    [
        (DATAFLOW, "--sdk_container_image"),
        (("--runner=PortableRunner", "--job_endpoint=localhost:8099"), "--environment_config"),
        (("--runner=spark", "--environment_type=docker"), "--environment_config"),
    ],
)
def test_a_runner_that_starts_containers_needs_an_image(args, option):
    config = BeamConfig(args=args)
    with pytest.raises(InputError, match=option):
        component_args("Transform", config)
    assert f"{option}={DIGEST}" in component_args("Transform", config, DIGEST)


@pytest.mark.parametrize(
    "named", ["--sdk_container_image=mine", "--requirements_file=more.txt", "--setup_file=setup.py"]
)
def test_dependencies_that_the_settings_name_are_left_alone(named):
    config = BeamConfig(args=(*POOL, named))
    assert component_args("Transform", config, DIGEST) == [*POOL, named]


@pytest.mark.parametrize(
    ("args", "root", "open_to_them"),
    [
        (BeamConfig().args, "minio://bucket/root", True),
        (POOL, "minio://bucket/root", False),
        (POOL, "/mnt/shared", True),
        ((*POOL[:1], "--environment_type=LOOPBACK"), "s3://bucket/root", True),
        (DATAFLOW, "/mnt/shared", False),
        (DATAFLOW, "gs://bucket/root", True),
    ],
)
def test_a_root_that_workers_on_other_machines_cannot_open_is_refused(args, root, open_to_them):
    if open_to_them:
        check_shared_root("Transform", args, root)
    else:
        with pytest.raises(InputError, match=r"Transform.*gs://"):
            check_shared_root("Transform", args, root)
