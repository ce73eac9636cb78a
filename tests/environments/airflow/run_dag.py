"""Runs a file's only DAG once in Airflow's own Python, and prints what came of it as JSON.

Sensors wait for as many seconds as the second argument says.
"""

import json
import sys
import time
from datetime import datetime, timezone
from importlib.util import module_from_spec, spec_from_file_location

from airflow.sdk import DAG, BaseSensorOperator


def _dag(file: str) -> tuple[DAG, float]:
    spec = spec_from_file_location("airflow_dag", file)
    assert spec and spec.loader
    module = module_from_spec(spec)
    began = time.process_time()
    spec.loader.exec_module(module)
    took = time.process_time() - began
    (dag,) = [value for value in vars(module).values() if isinstance(value, DAG)]
    return dag, took


def main(file: str, patience_s: str) -> None:
    dag, took = _dag(file)
    ours = sorted(name for name in sys.modules if name.split(".")[0] == "shelfsort")
    for task in dag.tasks:
        # A failure is to end the run, not to be waited for.
        task.retries = 0
        if isinstance(task, BaseSensorOperator):
            task.timeout = float(patience_s)
    run = dag.test(logical_date=datetime.now(timezone.utc))
    states = {each.task_id: str(each.state) for each in run.get_task_instances()}
    said = {
        "ours": ours,
        "import_s": took,
        "max_active_runs": dag.max_active_runs,
        "catchup": dag.catchup,
        "run": str(run.state),
        "tasks": states,
    }
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
