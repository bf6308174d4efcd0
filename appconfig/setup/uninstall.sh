# shellcheck shell=bash disable=SC2034 # what is noted here is told in leftovers.sh
# Away again: no vhost demands anything, proven; then files, units, hooks, registrations, user.

# What the product itself writes where nothing is demanded (a test compares): an include with this
# text is known as ours, and never kept aside as somebody's edit.
# shellcheck disable=SC2016 # the backquotes are what it says
# shellcheck disable=SC2119,SC2120 # the functions with an argument are called from other files
COMMENT='# Origin Pulls keeps this file. Do not edit it; see `origin-pulls show`.
# sha256 fe5ab782dc6bae798460962a6246c7909a12d42ddc428e44116dc4653f1036d1
# Nothing is demanded here. The file stays: an Include needs a match.'

uninstall() {
    local keep_data=$1 with_edge=$2
    local -a demanding=()
    check_root
    if [[ ! -e $PREFIX && ! -e $LINK && ! -e $UNDER_WAY ]] && ! has_leftovers "$keep_data"; then
        if [[ -n $(kept_data) ]]; then
            say "Origin Pulls is not installed; of it there are only the kept data: $(kept_data)"
            say "an installation takes them up again; ./install.sh uninstall takes them away"
        else
            say "Origin Pulls is not installed; nothing of it is here."
        fi
        return
    fi
    put_includes_back
    step "No vhost demands a certificate any more"
    mapfile -t demanding < <(demanding_vhosts)
    if [[ -n $with_edge && $(setting "$UNDER_WAY" edge) != left ]]; then
        leave_edge "${demanding[@]}"
    fi
    begin uninstall "edge=${with_edge:+left}"
    note_edge
    stop_services
    relax_all
    step "Apache without us"
    remove_includes
    prove_relaxed "${demanding[@]}"
    step "Files, units, hooks, registrations, user"
    take_program_away
    if [[ -z $keep_data ]]; then take_data_away; fi
    prove_nothing_left "$keep_data"
}

REMOVING=$PREFIX/removing

# What stays at Cloudflare is told at the end, when nobody can be asked any more.
note_edge() {
    PRESENTED=''
    if [[ -e $CURRENT/venv/bin/python ]]; then
        PRESENTED=$(names_at_edge 2>/dev/null | paste -sd ' ') || PRESENTED=''
    fi
}

program() { "$CURRENT/venv/bin/origin-pulls" "$@"; }

# Every vhost of the server, "MODE NAME" a line; none where that cannot be told.
listed_vhosts() {
    program list --json 2>/dev/null | "$CURRENT/venv/bin/python" -c '
import json, sys
for vhost in json.load(sys.stdin)["vhosts"]:
    print(vhost["mode"], vhost["servername"])' 2>/dev/null || true
}

# Those that are observed or enforced now, by name.
demanding_vhosts() { listed_vhosts | sed -n '/^off /!s/^[a-z]* //p'; }

# Our program first; then every include is looked at again by hand, whatever it said.
relax_all() {
    local file
    if [[ ! -e $CURRENT/venv/bin/origin-pulls ]]; then
        say "the program is gone; going by the files alone"
    else
        program relax --all || warn "\`origin-pulls relax --all\` failed (its words are above); going on by hand"
    fi
    while IFS= read -r -d '' file; do
        if demands "$file"; then
            say "emptying $file"
            empty_include "$file"
        fi
    done < <(our_includes)
}

# Whether an include holds more than comments.
demands() { grep -qvE '^[[:space:]]*(#|$)' "$1"; }

# Whether some vhost demands a certificate now, or is asked for one, going by the files alone.
is_in_force() {
    local file
    while IFS= read -r -d '' file; do
        if demands "$file"; then return; fi
    done < <(our_includes)
    return 1
}

empty_include() {
    install -d -m 755 -- "$(dirname -- "$1")"
    printf '%s\n' "$COMMENT" >"$1.new"
    chmod 644 "$1.new"
    mv -T -- "$1.new" "$1"
}

apache_place() { setting "$EA4_PATHS" "$1"; }

our_includes() {
    local userdata server
    userdata=$(apache_place dir_conf_userdata) server=$(apache_place dir_conf)/origin-pulls.conf
    if [[ -d $userdata ]]; then find "$userdata" -type f -name origin-pulls.conf -print0; fi
    if [[ -f $server ]]; then printf '%s\0' "$server"; fi
}

# Whether Apache takes its configuration; what it says, where it does not.
apache_error() { "$(apache_place bin_httpd)" -t 2>&1; }

# Take the includes away and let cPanel build httpd.conf without them, in one breath. While
# somebody else's configuration is broken they stay as comments: httpd.conf names their folders.
remove_includes() {
    local words file
    local -a files=()
    LEFT_FOR_LATER=()
    [[ -e $EA4_PATHS ]] || return 0
    mapfile -d '' -t files < <(our_includes)
    if ((${#files[@]} == 0)); then
        say "none of our includes is there"
        return
    fi
    if ! words=$(apache_error); then
        LEFT_FOR_LATER=("${files[@]}")
        warn "Apache's configuration is broken by something else: $(grep -m 1 . <<<"$words")"
        warn "our includes are comments now, and stay until that is mended"
        return
    fi
    # Killed between these two, httpd.conf would name folders without a match: noted first.
    ((${#files[@]} == 0)) || printf '%s\0' "${files[@]}" >"$REMOVING"
    for file in "${files[@]}"; do rm -f -- "$file"; done
    if ! "$CPANEL/scripts/rebuildhttpdconf" >/dev/null || ! apache_error >/dev/null; then
        put_includes_back
        LEFT_FOR_LATER=("${files[@]}")
        warn "httpd.conf cannot be built anew: our includes are back, as comments"
        return
    fi
    rm -f -- "$REMOVING"
    for file in "${files[@]}"; do remove_empty_folders "$(dirname -- "$file")"; done
    "$CPANEL/scripts/restartsrv_httpd" --graceful >/dev/null \
        || warn "Apache was not reloaded; type: $CPANEL/scripts/restartsrv_httpd"
    rm -f -- "$(apache_place dir_logs)"/origin-pulls.log*
    say "${#files[@]} includes removed; httpd.conf is built, tested and loaded"
}

# What an uninstallation that was killed had taken away before httpd.conf was built anew.
put_includes_back() {
    local file
    [[ -e $REMOVING ]] || return 0
    while IFS= read -r -d '' file; do
        if [[ ! -e $file ]]; then empty_include "$file"; fi
    done <"$REMOVING"
    rm -f -- "$REMOVING"
}

# A vhost's folder and its account's, where nothing else is in them.
remove_empty_folders() {
    local folder=$1 userdata
    userdata=$(apache_place dir_conf_userdata)
    while [[ $folder == "$userdata"/*/*/* ]]; do
        rmdir -- "$folder" 2>/dev/null || return 0
        folder=$(dirname -- "$folder")
    done
}

# Ask each vhost that demanded something, as a visitor without a certificate.
prove_relaxed() {
    local name
    UNPROVEN=()
    for name in "$@"; do
        if program prove "$name"; then continue; fi
        UNPROVEN+=("$name")
    done
}

# Everything that an installation laid, but for data and user.
take_program_away() {
    stop_services
    take_panel_away
    find "$UNITS" -name 'origin-pulls-*' \( -type f -o -type l \) -delete
    rm -f -- "$LOGROTATE" "$COMPLETION" "$TMPFILES" "$LINK"
    take_manual_away
    systemctl daemon-reload || true
    systemctl reset-failed 'origin-pulls-*' 2>/dev/null || true
    rm -rf -- "$RUN"
    # The mark of what is under way goes last.
    rm -rf -- "$CURRENT" "$PREVIOUS" "$RELEASES"
    rm -rf -- "$PREFIX"
}

# With KEEP_SETTINGS, what somebody put there before an installation stays: settings, or keys of
# another server.
take_data_away() {
    local keep_settings=${1:-}
    rm -rf -- "$STATE" "$PAGES_STATE" "$LOGS"
    if [[ -n $keep_settings ]]; then
        rmdir -- "$CONF/trust" "$CONF/keys" 2>/dev/null || true
    else
        rm -rf -- "$CONF"
    fi
    has_our_user || return 0
    # A process that does not end would keep its user; no file is left that it could do harm to.
    userdel "$SERVICE_USER" 2>/dev/null || userdel --force "$SERVICE_USER" \
        || warn "the user $SERVICE_USER cannot be removed"
    if getent group "$SERVICE_USER" >/dev/null; then groupdel "$SERVICE_USER"; fi
}
