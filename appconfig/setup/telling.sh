# shellcheck shell=bash disable=SC2153,SC2154 # capitals come from places.sh and lifecycle.sh
# What is there and what would be done, in words: status, plan, what an installation ends with.

# How to type this installer's next command: the installed copy stays, an unpacked one is here.
installer() {
    if is_installed_tree; then printf '%s/install.sh\n' "$CURRENT"; else printf './install.sh\n'; fi
}

# The version that counts now; empty where none does, or where it cannot be told.
current_version() { version_of "$CURRENT" 2>/dev/null || true; }

# What becomes of the version BEFORE, said behind the new one's number.
in_the_place_of() {
    local before=$1 now
    now=$(version_of "$TOP")
    if [[ -z $before ]]; then return; fi
    if [[ $before == "$now" ]]; then
        printf ' once more'
    elif [[ $(printf '%s\n' "$before" "$now" | sort -V | tail -n 1) == "$before" ]]; then
        printf ' in the place of %s, which is newer' "$before"
    else
        printf ' in the place of %s' "$before"
    fi
}

require_installed() {
    check_root
    if [[ -n $(current_release) ]]; then return; fi
    [[ ! -e $UNDER_WAY ]] || refuse not_installed \
        "A run ($(setting "$UNDER_WAY" action)) was cut off; no version is installed, parts lie in $PREFIX." \
        "./install.sh finishes the installation, ./install.sh uninstall takes it away."
    refuse not_installed "Origin Pulls is not installed." "Type: ./install.sh"
}

say_installed() {
    local before=$1 was=''
    if [[ -n $before && $before != "$RELEASE" ]]; then was=" (before: $(basename -- "$before"))"; fi
    printf '\nOrigin Pulls %s is installed and answers%s. No site was changed by that. Next:\n' \
        "$(version_of "$TOP")" "$was"
    cat <<'NEXT'
  origin-pulls list                     the virtual hosts of this server
  origin-pulls token add < token.txt    a token of Cloudflare's: then `enforce` goes the whole way
  origin-pulls --help                   everything else
NEXT
    if [[ -e $WHM_APP ]]; then printf 'WHM has its page under Plugins, Origin Pulls.\n'; fi
}

status() {
    local release unit state code=0
    require_installed
    release=$(current_release)
    say "current:  $(basename -- "$release")"
    say "previous: $(basename -- "$(readlink -- "$PREVIOUS" || printf none)")"
    if [[ -e $UNDER_WAY ]]; then
        warn "a run ($(setting "$UNDER_WAY" action)) was interrupted; start it again"
        code=${EXIT[failed]}
    fi
    while read -r unit; do
        state=$(systemctl is-active "$unit" || true)
        say "$unit: $state"
        case $unit in
            *-check.service) ;; # runs when its timer says so
            *-web-*.service) ;; # comes with the first request
            *)
                [[ $state != active ]] || continue
                code=${EXIT[failed]}
                warn "it should be active; type: systemctl enable --now $unit"
                ;;
        esac
    done < <(laid_units)
    is_sound "$release" || damaged_release "$release"
    # Nobody waits for a first start here.
    export ORIGIN_PULLS_PATIENCE=${ORIGIN_PULLS_PATIENCE:-3}
    attempt is_healthy "$release"
    if ((ATTEMPTED)); then code=${EXIT[failed]}; fi
    say "vhosts with a demand or a look: $(count_policies "$release")"
    leave "$code"
}

damaged_release() {
    code=${EXIT[failed]}
    warn "files of $(basename -- "$1") are not as they were installed; ./install.sh of its release mends that"
}

count_policies() {
    local listed
    if listed=$("$1/venv/bin/origin-pulls" list --json 2>/dev/null); then
        grep -cE '"mode": *"(observe|enforce)"' <<<"$listed" || true
    else
        printf 'cannot be told\n'
    fi
}

# What an installation would do, in words; nothing is touched.
say_plan() {
    local now release python code=0
    check_server
    now=$(current_release) release=$RELEASES/$(release_name)
    python=$(find_python)
    if [[ -n $python ]]; then can_read_store "$TOP" "$python" || code=$?; fi
    ((code != TOO_NEW)) || store_too_new "$(version_of "$TOP")"
    step "It would (nothing was touched)"
    if [[ -z $python ]]; then say "install the package $(python_package)"; fi
    getent passwd "$SERVICE_USER" >/dev/null || say "add the system user $SERVICE_USER"
    if is_sound "$release"; then
        say "build nothing: $release stands already"
    else
        say "build $release from requirements.lock ${WHEELHOUSE:+and $WHEELHOUSE}"
    fi
    if [[ $now == "$release" ]]; then
        say "leave it $CURRENT, as it is, and $LINK a link to its program"
    else
        say "make it $CURRENT$(in_the_place_of "$(current_version)"), and $LINK a link to its program"
    fi
    say "lay units in $UNITS, and start them"
    say "lay pages, registrations and hooks into $CPANEL"
    if [[ $now == "$release" ]]; then now=''; fi
    say "see whether everything answers${now:+, else go back to $now}"
}
