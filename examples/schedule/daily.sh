#!/bin/sh
# The daily batch: decides about what is new, watches the promise, trains again if there is reason to.
#
# Environment: DATA, RULES, DATABASE, ADDRESS (HOST:PORT of the model server), INBOX and OUTPUT;
# TAXONOMY (without it, training builds the tree from the labels), PROMISE, AUDIT_RATE and MIN_NEW may
# be left out. PGPASSWORD for a PostgreSQL that asks for one.
#
# A second start ends at once while the first is at work. It ends with status 1 after a failure or if
# the promise is broken, so that cron or Kubernetes tells somebody.
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
shelfsort promise check --database "$DATABASE" --promise "${PROMISE:-0.98}" \
  --back-off --if-any || status=1

# A model that the gate refuses (status 3) is no failure: the old one stays live.
shelfsort retrain --inbox "$INBOX" --taxonomy "${TAXONOMY:-}" --output "$OUTPUT" \
  --database "$DATABASE" --min-new "${MIN_NEW:-500}"
trained=$?
[ "$trained" -eq 0 ] || [ "$trained" -eq 3 ] || status=1
exit "$status"
