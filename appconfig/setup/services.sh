# shellcheck shell=bash
# The system user, the folders, the units, and whether all of them answer.

SERVICES=(origin-pulls-agent.service)
SOCKETS=(origin-pulls-web-admin.socket origin-pulls-web-account.socket)

# Whether the service's user is there, and one that we made.
has_our_user() { [[ $(getent passwd "$SERVICE_USER" | cut -d : -f 6) == "$STATE" ]]; }

make_user() {
    local shell=/usr/sbin/nologin
    local -a group=(--user-group)
    if getent passwd "$SERVICE_USER" >/dev/null; then return; fi
    [[ -x $shell ]] || shell=/sbin/nologin
    # One that was left over; that nobody is in it was looked at.
    if getent group "$SERVICE_USER" >/dev/null; then group=(--gid "$SERVICE_USER"); fi
    useradd --system "${group[@]}" --no-create-home --home-dir "$STATE" --shell "$shell" \
        "$SERVICE_USER"
    say "user: $SERVICE_USER"
}

# Folders as designed. The group reads the store; nobody but root writes anywhere.
make_folders() {
    install -d -m 755 -o root -g root "$CONF" "$CONF/trust" "$RUN"
    install -d -m 700 -o root -g root "$CONF/keys"
    # setgid: what the agent makes there belongs to the service's group.
    install -d -m 2755 -o root -g "$SERVICE_USER" "$STATE"
    install -d -m 700 -o root -g root "$STATE/journal"
    chmod 00700 "$STATE/journal"
    install -d -m 700 -o "$SERVICE_USER" -g "$SERVICE_USER" "$PAGES_STATE"
    install -d -m 750 -o root -g "$SERVICE_USER" "$LOGS"
    make_run_folders
}

make_run_folders() {
    install -d -m 755 -o root -g root "$RUN" "$RUN/account"
    install -d -m 700 -o root -g root "$RUN/admin"
    install -d -m 2750 -o root -g "$SERVICE_USER" "$RUN/agent"
}

# The units and their neighbours, out of RELEASE; each arrives by rename.
lay_units() {
    local release=$1 unit
    drop_other_units "$release"
    for unit in "$release"/appconfig/systemd/*.{service,socket,timer}; do
        [[ -e $unit ]] || continue
        if is_wanted "$release" "$(basename -- "$unit")"; then
            lay 644 "$unit" "$UNITS/$(basename -- "$unit")"
        fi
    done
    lay 644 "$release/appconfig/systemd/origin-pulls.tmpfiles" "$TMPFILES"
    lay 644 "$release/appconfig/systemd/origin-pulls.logrotate" "$LOGROTATE"
    lay 644 "$release/appconfig/systemd/origin-pulls.completion" "$COMPLETION"
    lay_manual "$release"
    systemctl daemon-reload
}

# A unit that another version brought and RELEASE does not know would start what is not there.
drop_other_units() {
    local release=$1 unit
    while read -r unit; do
        if [[ ! -e $release/appconfig/systemd/$unit ]] || ! is_wanted "$release" "$unit"; then
            systemctl disable --quiet --now "$unit" 2>/dev/null || true
            rm -f -- "$UNITS/$unit"
        fi
    done < <(laid_units)
}

# The manual page, which each version makes of its own commands.
lay_manual() {
    local folder made=$PREFIX/made-manual-folder
    folder=$(dirname -- "$MANUAL")
    [[ -e $1/origin-pulls.8 ]] || return 0
    if [[ ! -d $folder ]]; then : >"$made"; fi
    lay 644 "$1/origin-pulls.8" "$MANUAL"
}

take_manual_away() {
    rm -f -- "$MANUAL"
    if [[ -e $PREFIX/made-manual-folder ]]; then
        rmdir -- "$(dirname -- "$MANUAL")" 2>/dev/null || true
    fi
}

# Put FROM in place as TO: written beside, then renamed.
lay() {
    local mode=$1 from=$2 to=$3 beside
    if [[ -f $to && ! -L $to ]] && cmp -s -- "$from" "$to" && [[ $(stat -c %a "$to") == "$mode" ]]
    then
        return
    fi
    install -d -m 755 -- "$(dirname -- "$to")"
    beside=$(dirname -- "$to")/.$(basename -- "$to").origin-pulls
    install -m "$mode" -o root -g root -- "$from" "$beside"
    mv -T -- "$beside" "$to"
}

# A unit whose command this version does not have is left out.
is_wanted() {
    case $2 in
        *-web-*) has_command "$1" web ;;
        *-check.*) has_command "$1" check-installation ;;
        *) true ;;
    esac
}

AGENT_WAS_STOPPED=''
declare -A KNOWN_COMMANDS=()

has_command() {
    local key="$1 $2"
    if [[ -z ${KNOWN_COMMANDS[$key]:-} ]]; then
        KNOWN_COMMANDS[$key]=no
        if "$1/venv/bin/origin-pulls" "$2" --help >/dev/null 2>&1; then KNOWN_COMMANDS[$key]=yes; fi
    fi
    [[ ${KNOWN_COMMANDS[$key]} == yes ]]
}

# End the agent after what it is carrying out; requests to the sites are not touched by that.
stop_agent() {
    say "the agent ends after what it is doing"
    AGENT_WAS_STOPPED=yes
    systemctl stop origin-pulls-agent.service 2>/dev/null || true
}

# Where this run is cut off after that: nobody else would start it before the next boot.
start_agent_again() {
    [[ -n $AGENT_WAS_STOPPED ]] || return 0
    [[ -x $CURRENT/venv/bin/origin-pulls ]] \
        && systemctl start origin-pulls-agent.service 2>/dev/null
}

start_services() {
    local unit
    # What failed too often a moment ago (another version's, say) would not be started again.
    while read -r unit; do
        systemctl reset-failed "$unit" 2>/dev/null || true
    done < <(laid_units)
    systemctl enable --quiet "${SERVICES[@]}"
    systemctl restart "${SERVICES[@]}"
    for unit in "${SOCKETS[@]}"; do
        if [[ -e $UNITS/$unit ]]; then
            # The sockets stay while their services change: a request waits, it is not refused.
            systemctl enable --quiet --now "$unit"
            systemctl try-restart "${unit%.socket}.service"
        fi
    done
    for unit in "$UNITS"/origin-pulls-*.timer; do
        if [[ -e $unit ]]; then systemctl enable --quiet --now "$(basename -- "$unit")"; fi
    done
}

# Every unit of ours that is laid, sockets first: nothing is started while others stop.
laid_units() {
    local kind unit
    for kind in timer socket service; do
        for unit in "$UNITS"/origin-pulls-*."$kind"; do
            if [[ -e $unit ]]; then basename -- "$unit"; fi
        done
    done
}

stop_services() {
    local unit
    while read -r unit; do
        systemctl disable --quiet --now "$unit" 2>/dev/null || true
    done < <(laid_units)
}

# Whether everything answers that was installed; what does not is said.
is_healthy() {
    local release=$1 name words
    local -a asked=(origin-pulls-agent.service="$RUN/agent/agent.sock")
    for name in admin account; do
        if [[ -e $UNITS/origin-pulls-web-$name.socket ]]; then
            asked+=("origin-pulls-web-$name.service=$RUN/$name/web.sock")
        fi
    done
    "$release/venv/bin/python" -I "$release/appconfig/setup/answers.py" "${asked[@]}"
    if is_too_new_for "$release"; then
        warn "a newer version wrote the store: every change is refused"
        return 1
    fi
    answers_through_panel
    words=$("$release/venv/bin/origin-pulls" list 2>&1 >/dev/null) || {
        warn "the vhosts cannot be read: $(one_line "$(tail -n 2 <<<"$words")")"
        return 1
    }
    if has_command "$release" doctor; then
        "$release/venv/bin/origin-pulls" doctor || warn "\`origin-pulls doctor\` has something to say."
    fi
}
