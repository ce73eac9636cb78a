#!/bin/sh
# The daily batch: decides about what is new, watches promise and drift, trains again if there is
# reason to, forgets what is old, and keeps a backup.
#
# Environment: DATA, RULES, DATABASE, ADDRESS (HOST:PORT of the model server), INBOX and OUTPUT.
# These may be left out:
#   TAXONOMY        without it, training builds the tree from the labels
#   PROMISE, AUDIT_RATE, MIN_NEW
#   PAGE, METRICS   files that show the days: a page, and Prometheus's textfile
#   REFERENCE_FROM  first day of a new reference of drift, such as 2026-11-02
#   KEEP_DAYS       age in days at which decisions are forgotten
#   BACKUPS         folder or address that takes a backup of each day
# SHELFSORT_WEBHOOK takes alarms. PGPASSWORD is for a PostgreSQL that asks for one.
#
# A second start ends at once while the first is at work. It ends with status 1 after a failure, if
# the promise is broken or if something drifts, so that cron or Kubernetes tells somebody.
set -u
: "${DATA:?}" "${RULES:?}" "${DATABASE:?}" "${ADDRESS:?}" "${INBOX:?}" "${OUTPUT:?}"

exec 9>"${LOCK:-/tmp/shelfsort-daily.lock}" || exit 1
if ! flock --nonblock 9; then
  echo "daily.sh: another one is at work" >&2
  exit 0
fi

shelfsort batch --data "$DATA" --rules "$RULES" --database "$DATABASE" --address "$ADDRESS" \
  --audit-rate "${AUDIT_RATE:-0.02}" --if-any || exit 1

status=0
shelfsort monitor --database "$DATABASE" --promise "${PROMISE:-0.98}" --back-off \
  --page "${PAGE:-}" --metrics "${METRICS:-}" \
  ${REFERENCE_FROM:+--reference-from "$REFERENCE_FROM"} || status=1

# A model that the gate refuses (status 3) is no failure: the old one stays live.
shelfsort retrain --inbox "$INBOX" --taxonomy "${TAXONOMY:-}" --output "$OUTPUT" \
  --database "$DATABASE" --min-new "${MIN_NEW:-500}"
trained=$?
[ "$trained" -eq 0 ] || [ "$trained" -eq 3 ] || status=1

if [ -n "${KEEP_DAYS:-}" ]; then
  shelfsort database prune --decisions "$DATABASE" --older-than "$KEEP_DAYS" || status=1
fi
if [ -n "${BACKUPS:-}" ]; then
  shelfsort database backup "$DATABASE" --to "$BACKUPS/decisions-$(date -u +%F).backup" || status=1
fi
exit "$status"
