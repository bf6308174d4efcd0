# shellcheck shell=bash disable=SC2153 # capitals come from places.sh
# Install, upgrade, rollback, status: what runs was healthy once, or what was before comes back.

BEFORE=''        # the version to go back to; empty where there is none, or none that could
WAS_INSTALLED='' # whether anything of ours was in use: then nothing is taken away
WAS_INTERRUPTED=''
RELEASE=''
HAD_DATA=''
HAD_SETTINGS=''

# Install this tree, whatever is there: nothing, an older version, this one, or half of it.
install_release() {
    local before previous
    put_includes_back
    check_server
    step "Installing $(version_of "$TOP")$(in_the_place_of "$(current_version)")"
    begin install
    before=$BEFORE previous=$(readlink -- "$PREVIOUS" || true)
    if [[ -e $STATE/store.sqlite ]]; then HAD_DATA=yes; fi
    if [[ -n $(find "$CONF" -type f 2>/dev/null) ]]; then HAD_SETTINGS=yes; fi
    install_python
    make_user
    make_folders
    build_release
    check_store
    stop_agent
    keep_store
    attempt bring_in "$RELEASE"
    if ((ATTEMPTED == 0)); then
        if [[ -n $before && $before != "$RELEASE" ]] && ! is_sound "$before"; then
            # Nobody goes back to a damaged version.
            set_previous "$previous"
        fi
        prune_releases
        end_well
        say_installed "$before"
        return
    fi
    if [[ -z $WAS_INSTALLED ]]; then
        step "It does not answer: taking it away again"
        nothing_was_switched
        refuse taken_back "The installation failed and was taken back." \
            "Its reason is above. Data that was there before is still there."
    elif [[ -z $before ]]; then
        end_well
        refuse not_taken_back "The new version does not answer, and none before it can be gone back to." \
            "Its reason is above; nothing was removed, and sites are as they were."
    elif [[ $before == "$RELEASE" ]]; then
        end_well
        refuse not_taken_back "The version that was here already does not answer as it should." \
            "Its reason is above; nothing was removed, and sites are as they were."
    fi
    go_back_to "$before" "$previous"
}

# Lay units and panel of RELEASE, make it current, start it, and see whether it answers.
bring_in() {
    local release=$1
    switch_to "$release"
    lay_units "$release"
    start_services
    lay_panel "$release"
    is_healthy "$release"
}

# Run a function under errexit; its verdict is in $ATTEMPTED. (Called in a condition, bash would
# go on after each failed step of it.)
attempt() {
    set +e
    (
        trap - EXIT
        set -e
        "$@"
    )
    ATTEMPTED=$?
    set -e
}

# Note what is under way, which release was healthy last, and whether anything was in use at all,
# for the run after an interruption. More lines may be given, for that run to know.
begin() {
    local action=$1
    shift
    BEFORE=$(current_release) WAS_INSTALLED=''
    # A link that got lost does not make a first installation of it.
    if [[ -n $BEFORE || -n $(laid_units) ]]; then WAS_INSTALLED=yes; fi
    if [[ -e $UNDER_WAY ]]; then
        # shellcheck disable=SC2034 # read in other files
        WAS_INTERRUPTED=yes
        if grep -qs '^before=' "$UNDER_WAY"; then
            say "an earlier run ($(setting "$UNDER_WAY" action)) was interrupted; this one finishes"
            BEFORE=$(setting "$UNDER_WAY" before) WAS_INSTALLED=$(setting "$UNDER_WAY" installed)
        else
            say "an earlier run was interrupted, and its notes are lost: what is current was before"
        fi
    fi
    # What sites lean on was there before, also where a first installation was cut off.
    if is_in_force; then
        WAS_INSTALLED=yes
        BEFORE=${BEFORE:-$(current_release)}
    fi
    is_whole "$BEFORE" || BEFORE=''
    if note_under_way "$action" "$@"; then return; fi
    [[ $action == uninstall ]] || return 1
    make_room
    note_under_way "$action" "$@" || warn "it cannot be noted what is under way; going on without"
}

# What an uninstallation removes in the end and nobody misses before: on a full disk its first
# steps need a little room.
make_room() {
    local previous
    warn "nothing can be written in $PREFIX: the version before and what Python compiled go first"
    previous=$(readlink -- "$PREVIOUS" || true)
    if [[ $previous == "$RELEASES"/* && ! $previous -ef $CURRENT && ! $previous -ef $TOP ]]; then
        rm -rf -- "$previous"
    fi
    if [[ -d $RELEASES ]]; then
        find "$RELEASES" -type d -name __pycache__ -prune -exec rm -rf {} +
    fi
}

# The mark of what is under way, on the disk before anything else is; false where that has no room.
note_under_way() {
    local action=$1
    shift
    install -d -m 755 "$PREFIX" || return
    if ! printf '%s\n' "action=$action" "before=$BEFORE" "installed=$WAS_INSTALLED" "$@" \
        >"$UNDER_WAY.new"; then
        rm -f -- "$UNDER_WAY.new"
        return 1
    fi
    sync -- "$UNDER_WAY.new" || true
    mv -T -- "$UNDER_WAY.new" "$UNDER_WAY" || return
    sync -- "$PREFIX" || true
}

end_well() { rm -f -- "$UNDER_WAY"; }

# Where nothing was installed before, everything is as it was then; else what was there runs on.
nothing_was_switched() {
    if [[ -n $WAS_INSTALLED ]]; then
        # From an upgrade that was cut off one can go back still.
        if [[ -z $WAS_INTERRUPTED || $BEFORE == "$(current_release)" ]]; then end_well; fi
        return
    fi
    take_program_away
    if [[ -z $HAD_DATA ]]; then take_data_away "$HAD_SETTINGS"; fi
}

go_back_to() {
    local before=$1 previous=$2
    step "The new version does not answer: back to $(basename -- "$before")"
    bring_back "$before"
    if ((ATTEMPTED)); then
        refuse not_taken_back "The version before does not answer either." \
            "Sites are as they were. Type: systemctl status 'origin-pulls-*', then $(installer) rollback"
    fi
    if [[ $previous == "$before" ]]; then previous=''; fi
    set_previous "$previous"
    prune_releases
    end_well
    refuse taken_back "The upgrade failed and was taken back: $(basename -- "$before") runs as before." \
        "Its reason is above."
}

# Bring an older version in, with a store that it can read; the verdict is in $ATTEMPTED.
bring_back() {
    local release=$1 tries=3
    stop_agent
    # What is typed from here on is this version's program: a newer one changes the store's form.
    switch_to "$release"
    while ((tries--)); do
        put_store_back "$release" || true
        attempt bring_in "$release"
        # A command of the newer version that ran still may have opened the store meanwhile.
        if ((ATTEMPTED == 0)) || ! is_too_new_for "$release"; then return; fi
        stop_agent
    done
}

rollback_release() {
    local target before cut_off=''
    require_installed
    before=$(current_release)
    target=$(rollback_target)
    if [[ -z $target ]] || ! is_whole "$target"; then
        refuse nothing_before "There is no version before $(basename -- "$before")." \
            "Install one: ./install.sh of its release."
    fi
    is_sound "$target" || refuse nothing_before \
        "The version before, $(basename -- "$target"), is damaged: its files are not as installed." \
        "Install it anew: ./install.sh of its release."
    if is_cut_off_upgrade; then cut_off=install; fi
    [[ -n $cut_off ]] || can_read_store "$target" || refuse store_too_new \
        "$(basename -- "$target") cannot read the store that $(basename -- "$before") wrote." \
        "The store of then is $STATE/store-before-$(basename -- "$before").sqlite; see docs/OPERATING.md."
    if has_gained "$target"; then
        refuse store_too_new \
            "The upgrade that was cut off was in use since; $(basename -- "$target") would forget what was changed." \
            "./install.sh of the newer release finishes it. To go back all the same: docs/OPERATING.md, Roll back."
    fi
    step "Back to $(basename -- "$target")"
    begin rollback "target=$target" "cut_off=$cut_off"
    bring_back "$target"
    if ((ATTEMPTED)); then
        if [[ $before == "$target" ]]; then before=$BEFORE; fi
        go_back_to "$before" "$target"
    fi
    prune_releases
    end_well
    say "to undo this: $(installer) rollback"
}

# Where a rollback leads: to the version before. Repeated after an interruption it leads to the
# same one; after an upgrade that was cut off, to the version that was healthy last.
rollback_target() {
    case $(setting "$UNDER_WAY" action) in
        rollback) setting "$UNDER_WAY" target ;;
        install) setting "$UNDER_WAY" before ;;
        *) readlink -- "$PREVIOUS" || true ;;
    esac
}

# Whether an upgrade was cut off before its version had proven healthy; a rollback that was cut
# off in its turn has noted that.
is_cut_off_upgrade() {
    [[ $(setting "$UNDER_WAY" action) == install || $(setting "$UNDER_WAY" cut_off) == install ]]
}
