#!/bin/sh
# Copies the newest versions of a model from an object store to a folder that a server watches.
#
# A version counts once its saved_model.pb is there, because the Pusher writes that file last. It is
# copied under a hidden name and renamed, so the server never sees half of it.
#
# MIRROR_SOURCE   rclone remote and path of the model's versions
# MIRROR_TARGET   folder of the copies
# MIRROR_KEEP     how many of the newest versions to keep
# MIRROR_EVERY_S  seconds between two looks; 0: look once
set -u

# The newest first, so that a new pod starts with the version that is live.
newest() {
    sed -n 's|^\([0-9][0-9]*\)/*$|\1|p' | sort -rn | head -n "$MIRROR_KEEP"
}

fetch() {
    hidden="$MIRROR_TARGET/.incoming-$1"
    rm -rf "$hidden"
    rclone copy "$MIRROR_SOURCE/$1" "$hidden" || return 1
    if [ ! -s "$hidden/saved_model.pb" ]; then
        rm -rf "$hidden"
        return 0
    fi
    mv "$hidden" "$MIRROR_TARGET/$1" && echo "version $1 is here"
}

# Never fewer than MIRROR_KEEP stay, whatever the store lists: an outage takes nothing away.
drop_old() {
    for folder in "$MIRROR_TARGET"/*/; do
        [ -d "$folder" ] && basename "$folder"
    done | sed -n '/^[0-9][0-9]*$/p' | sort -rn | tail -n "+$((MIRROR_KEEP + 1))" |
        while read -r version; do
            mv "$MIRROR_TARGET/$version" "$MIRROR_TARGET/.removed-$version"
            rm -rf "$MIRROR_TARGET/.removed-$version"
            echo "version $version is dropped"
        done
}

look() {
    listed=$(rclone lsf --dirs-only "$MIRROR_SOURCE") || return 1
    for version in $(echo "$listed" | newest); do
        [ -d "$MIRROR_TARGET/$version" ] || fetch "$version" || return 1
    done
    drop_old
}

trap 'exit 0' TERM INT
mkdir -p "$MIRROR_TARGET"
while :; do
    look || echo "the store cannot be read, trying again" >&2
    [ "$MIRROR_EVERY_S" = 0 ] && exit 0
    sleep "$MIRROR_EVERY_S" &
    wait $!
done
