# shellcheck shell=bash disable=SC2153 # capitals come from places.sh
# Cloudflare's side, before an uninstallation: nothing is presented there any more, and looked at.

# shellcheck disable=SC2119,SC2120 # the functions with an argument are called from other files
EDGE_PATIENCE=${ORIGIN_PULLS_EDGE_PATIENCE:-180} # seconds: at Cloudflare some things take a minute or two

# Ask for it before anything else is done: `off` lets the origin demand nothing any more, and then
# Cloudflare present nothing. Its outcome is not believed but looked at: where Cloudflare does not
# answer, `off` is done all the same, and the agent tries the rest again and again.
leave_edge() {
    local -a names=()
    has_command "$CURRENT" edge || refuse edge_failed \
        "This version cannot switch Cloudflare's side off by itself." \
        "Leave --edge out; then switch Authenticated Origin Pulls off in Cloudflare's dashboard."
    names_at_edge >/dev/null || edge_failed "What we set at Cloudflare cannot be told"
    mapfile -t names < <({ printf '%s\n' "$@" && names_at_edge; } | sort -u | served_ones)
    if ((${#names[@]})); then
        program off --remove-certificate "${names[@]}" \
            || edge_failed "Cloudflare's side was not switched off for every vhost" "${names[*]}"
    fi
    wait_for_edge || edge_failed \
        "Cloudflare still presents: $(names_at_edge | paste -sd ' ')" "${names[*]}"
    say "Cloudflare presents nothing of ours any more"
}

# With the names that `off` was asked for: what was done of it stays, and nobody is locked out.
edge_failed() {
    local now=''
    if [[ -n ${2:-} ]]; then now=" Asked to be off, so that they demand nothing any more: $2."; fi
    refuse edge_failed "$1 (the reason is above); nothing was removed.$now" \
        "Type the same once more, or leave --edge out and use Cloudflare's dashboard."
}

names_at_edge() {
    "$CURRENT/venv/bin/python" "$TOP/appconfig/setup/at_edge.py" "$STATE/store.sqlite" "$@"
}

# Those names of standard input that this server has; the others the agent clears up by itself.
served_ones() { grep -x -F -f <(listed_vhosts | cut -d ' ' -f 2) || true; }

wait_for_edge() {
    local end=$((SECONDS + EDGE_PATIENCE))
    if [[ -n $(names_at_edge) ]]; then
        say "waiting until Cloudflare presents nothing of ours, at most $EDGE_PATIENCE seconds"
    fi
    while [[ -n $(names_at_edge) ]]; do
        ((SECONDS < end)) || return 1
        sleep 0.5
    done
}
