# shellcheck shell=bash disable=SC2153 # capitals come from places.sh
# Install, upgrade, rollback, status: what runs was healthy once, or what was before comes back.

BEFORE=''
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
    if [[ -z $before ]]; then
        step "It does not answer: taking it away again"
        nothing_was_switched
        refuse taken_back "The installation failed and was taken back." \
            "Its reason is above. Data that was there before is still there."
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

# Note what is under way, and which release was healthy last, for the run after an interruption.
# More lines may be given, for that run to know.
begin() {
    local action=$1
    shift
    BEFORE=$(current_release)
    if [[ -e $UNDER_WAY ]]; then
        say "an earlier run ($(setting "$UNDER_WAY" action)) was interrupted; this one finishes"
        # shellcheck disable=SC2034 # read in other files
        WAS_INTERRUPTED=yes
        BEFORE=$(setting "$UNDER_WAY" before)
    fi
    if ! is_whole "$BEFORE"; then
        BEFORE=''
        # What sites lean on is what was before: also a first installation that was cut off and is
        # in use since, or a version of which parts are missing.
        if is_in_force; then BEFORE=$(current_release); fi
    fi
    install -d -m 755 "$PREFIX"
    printf '%s\n' "action=$action" "before=$BEFORE" "$@" >"$UNDER_WAY.new"
    mv -T -- "$UNDER_WAY.new" "$UNDER_WAY"
}

end_well() { rm -f -- "$UNDER_WAY"; }

# Where no version was before, everything is as it was then; else the one before runs on.
nothing_was_switched() {
    if [[ -n $BEFORE ]]; then
        end_well
        return
    fi
    take_program_away
    if [[ -z $HAD_DATA ]]; then take_data_away "$HAD_SETTINGS"; fi
}

go_back_to() {
    local before=$1 previous=$2
    step "The new version does not answer: back to $(basename -- "$before")"
    stop_agent
    put_store_back "$before"
    attempt bring_in "$before"
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
    step "Back to $(basename -- "$target")"
    begin rollback "target=$target" "cut_off=$cut_off"
    stop_agent
    if [[ -n $cut_off ]]; then put_store_back "$target"; fi
    attempt bring_in "$target"
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
