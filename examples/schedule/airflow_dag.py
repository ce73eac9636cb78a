"""The daily batch as a DAG of Airflow 3. Copy this file into the folder of DAGs.

It imports nothing of Shelfsort, so it is parsed at once: `shelfsort` is a command on the worker.
Airflow's variables name the places; the worker's environment has PGPASSWORD.
"""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.sensors.bash import BashSensor
from airflow.sdk import DAG

ENVIRONMENT = {
    "DATA": "{{ var.value.get('shelfsort_data', '/data/new/*.manifest') }}",
    "RULES": "{{ var.value.get('shelfsort_rules', '/data/rules.yaml') }}",
    "DATABASE": "{{ var.value.get('shelfsort_database', '/data/decisions.db') }}",
    "ADDRESS": "{{ var.value.get('shelfsort_address', 'localhost:8500') }}",
    "INBOX": "{{ var.value.get('shelfsort_inbox', '/data/labels') }}",
    "TAXONOMY": "{{ var.value.get('shelfsort_taxonomy', '') }}",
    "OUTPUT": "{{ var.value.get('shelfsort_output', '/data/out') }}",
    "PROMISE": "{{ var.value.get('shelfsort_promise', '0.98') }}",
    "AUDIT_RATE": "{{ var.value.get('shelfsort_audit_rate', '0.02') }}",
    "MIN_NEW": "{{ var.value.get('shelfsort_min_new', '500') }}",
    # What is empty is left out.
    "PAGE": "{{ var.value.get('shelfsort_page', '') }}",
    "METRICS": "{{ var.value.get('shelfsort_metrics', '') }}",
    "REFERENCE_FROM": "{{ var.value.get('shelfsort_reference_from', '') }}",
    "KEEP_DAYS": "{{ var.value.get('shelfsort_keep_days', '') }}",
    "BACKUPS": "{{ var.value.get('shelfsort_backups', '') }}",
}
REFUSED_BY_THE_GATE = 3
# A file of the last day. The pattern stands without quotes: the shell lists its files.
FRESH = 'test -n "$(find $DATA -maxdepth 0 -mmin -1440 -print -quit)"'
DECIDE = (
    'shelfsort batch --data "$DATA" --rules "$RULES" --database "$DATABASE" '
    '--address "$ADDRESS" --audit-rate "$AUDIT_RATE" --if-any --json'
)
MONITOR = (
    'shelfsort monitor --database "$DATABASE" --promise "$PROMISE" --back-off '
    '--page "$PAGE" --metrics "$METRICS" '
    '${REFERENCE_FROM:+--reference-from "$REFERENCE_FROM"}'
)
RETRAIN = (
    'shelfsort retrain --inbox "$INBOX" --taxonomy "$TAXONOMY" --output "$OUTPUT" '
    '--database "$DATABASE" --min-new "$MIN_NEW" --json'
)
# Status 99 skips the task.
PRUNE = (
    '[ -n "$KEEP_DAYS" ] || exit 99\n'
    'shelfsort database prune --decisions "$DATABASE" --older-than "$KEEP_DAYS"'
)
BACKUP = (
    '[ -n "$BACKUPS" ] || exit 99\n'
    'shelfsort database backup "$DATABASE" --to "$BACKUPS/decisions-$(date -u +%F).backup"'
)

with DAG(
    dag_id="shelfsort_daily",
    schedule="0 5 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=20),
    default_args={"env": ENVIRONMENT, "append_env": True},
    tags=["shelfsort"],
) as dag:
    fresh = BashSensor(
        task_id="fresh",
        bash_command=FRESH,
        env=ENVIRONMENT,
        mode="reschedule",
        poke_interval=300,
        timeout=6 * 3600,
        # A day without products: the task is skipped, and the others go on.
        soft_fail=True,
    )
    # What is decided stays decided: another try goes on from there.
    decide = BashOperator(
        task_id="decide",
        bash_command=DECIDE,
        retries=2,
        retry_delay=timedelta(minutes=10),
        trigger_rule="none_failed",
    )
    monitor = BashOperator(task_id="monitor", bash_command=MONITOR)
    # A broken promise is a reason to train, so it does not stop this task.
    retrain = BashOperator(
        task_id="retrain",
        bash_command=RETRAIN,
        trigger_rule="all_done",
        skip_on_exit_code=REFUSED_BY_THE_GATE,
    )
    # A leaf of its own: the run fails where the promise is broken or something drifts.
    kept = EmptyOperator(task_id="kept")
    prune = BashOperator(task_id="prune", bash_command=PRUNE, trigger_rule="all_done")
    backup = BashOperator(task_id="backup", bash_command=BACKUP, trigger_rule="all_done")

    fresh >> decide >> monitor >> [retrain, kept, prune, backup]
