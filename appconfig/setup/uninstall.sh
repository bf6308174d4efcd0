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
    mapfile -t demanding < <(to_be_proven)
    if [[ -n $with_edge && $(setting "$UNDER_WAY" edge) != left ]]; then
        leave_edge "${demanding[@]}"
    fi
    # From here on the program refuses every change; the one that is under way is waited for.
    begin uninstall "edge=${with_edge:+left}" "demanding=${demanding[*]}"
    note_edge
    stop_services
    holding_work true || refuse busy \
        "Another run of Origin Pulls (process $(<"$STATE/work.lock")) does not end; nothing was removed." \
        "If it hangs, kill it: kill -9 $(<"$STATE/work.lock"). Then type the same again."
    relax_all "$keep_data"
    step "Apache without us"
    remove_includes
    prove_relaxed "${demanding[@]}"
    # Interrupted after this, nobody asks those again that have answered.
    note_under_way uninstall "edge=${with_edge:+left}" "demanding=${UNPROVEN[*]}" \
        || warn "it cannot be noted what was proven"
    step "Files, units, hooks, registrations, user"
    take_program_away
    # What is demanded by a file without its CA file would end Apache at the next reload.
    if is_in_force; then remove_includes; fi
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
    program list --json 2>/dev/null | "$CURRENT/venv/bin/python" -I -c '
import json, sys
for vhost in json.load(sys.stdin)["vhosts"]:
    print(vhost["mode"], vhost["servername"])' 2>/dev/null || true
}

# Those that are observed or enforced now, by name.
demanding_vhosts() { listed_vhosts | sed -n '/^off /!s/^[a-z]* //p'; }

# Whom to ask at the end: whom the store knows, whom an include is for, and whom an interrupted run
# had still to ask. Without the store an include that demands nothing any more counts as well: Apache
# may not have read it yet. (Not where the program is gone: nobody could ask, and the run that took it
# away has told.)
to_be_proven() {
    local listed file name
    local -a left=()
    listed=$(listed_vhosts)
    if [[ $(setting "$UNDER_WAY" action) == uninstall ]]; then
        read -ra left < <(setting "$UNDER_WAY" demanding) || true
    fi
    {
        if ((${#left[@]})); then printf '%s\n' "${left[@]}"; fi
        demanding_vhosts
        while IFS= read -r -d '' file; do
            [[ $file == "$(apache_place dir_conf_userdata)"/* ]] || continue
            demands "$file" || [[ -z $listed && -x $CURRENT/venv/bin/python ]] || continue
            # An include lies in the folder of its vhost.
            name=$(basename -- "$(dirname -- "$file")")
            printf '%s\n' "${name/#_wildcard_/\*}"
        done < <(our_includes)
    } | sort -u
}

# Our program first; then every include is looked at again by hand, whatever it said.
relax_all() {
    local keep_data=${1:-} by_hand=''
    if [[ ! -e $CURRENT/venv/bin/origin-pulls ]]; then
        say "the program is gone; going by the files alone"
        by_hand=yes
    else
        program relax --all || {
            warn "\`origin-pulls relax --all\` failed (its words are above); going on by hand"
            by_hand=yes
        }
    fi
    if [[ -n $keep_data && -n $by_hand ]]; then
        warn "the policies that are kept may not know of that: then the next installation puts them in force again"
    fi
    empty_demands
}

empty_demands() {
    local file
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
    if printf '%s\n' "$COMMENT" >"$1.new" && chmod 644 "$1.new" && mv -T -- "$1.new" "$1"; then
        return
    fi
    # The disk is full: an empty file demands nothing, and making it so takes no room.
    rm -f -- "$1.new"
    : >"$1"
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
    empty_demands
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
    if ! printf '%s\0' "${files[@]}" >"$REMOVING"; then
        rm -f -- "$REMOVING"
        LEFT_FOR_LATER=("${files[@]}")
        warn "nothing can be written in $PREFIX: our includes are comments now, and stay"
        return
    fi
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

# Ask each vhost that demanded something, as a visitor without a certificate. Who cannot be asked
# has proven nothing.
prove_relaxed() {
    local found
    UNPROVEN=("$@")
    if (($# == 0)); then return; fi
    # The names come by themselves, and what is said goes where all of it goes.
    if { found=$("$CURRENT/venv/bin/python" -I "$TOP/appconfig/setup/open_to_all.py" /dev/fd/3 "$@" \
        3>&1 >&4); } 4>&1; then
        mapfile -t UNPROVEN < <(grep . <<<"$found")
    fi
    if ((${#UNPROVEN[@]} == 0)); then say "each answers a visitor without a certificate"; fi
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
