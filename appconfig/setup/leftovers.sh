# shellcheck shell=bash disable=SC2153,SC2154 # capitals come from places.sh and uninstall.sh
# What is left after an uninstallation: looked for in every place, and said.

# Every place where something of ours could lie still, one a line.
leftovers() {
    local keep_data=$1 path userdata
    for path in "$PREFIX" "$LINK" "$RUN" "$UNITS"/origin-pulls-* "$LOGROTATE" "$COMPLETION" \
        "$TMPFILES" "$MANUAL" "$WHM_PAGES" "$WHM_APP" "$WHM_FEATURE" "$PLUGIN_KEPT" "$JUPITER_PAGES" \
        "$DYNAMICUI" "$JUPITER_TILES/$PANEL_NAME".{png,svg} "$WHM_ICONS/$PANEL_NAME".{png,svg} \
        "$WHM_TEMPLATES/$PANEL_NAME.tmpl" "$HOOK_FOLDER"/origin-pulls-*; do
        if [[ -e $path || -L $path ]]; then printf '%s\n' "$path"; fi
    done
    if [[ -z $keep_data ]]; then data_places; fi
    userdata=$(apache_place dir_conf_userdata)
    if [[ -d $userdata ]]; then
        find "$userdata" "$(apache_place dir_conf)/origin-pulls.conf" -name 'origin-pulls.conf*' \
            2>/dev/null || true
    fi
}

# Data that are there, and their owner, one a line.
data_places() {
    local path
    for path in "$CONF" "$STATE" "$PAGES_STATE" "$LOGS"; do
        if [[ -e $path ]]; then printf '%s\n' "$path"; fi
    done
    if has_our_user; then printf 'the user %s\n' "$SERVICE_USER"; fi
}

kept_data() { data_places | paste -sd , | sed 's/,/, /g'; }

has_leftovers() { [[ -n $(leftovers "$1") ]]; }

prove_nothing_left() {
    local keep_data=$1 found kept=''
    step "What is left"
    found=$(leftovers "$keep_data")
    if [[ -n $found ]]; then say "${found//$'\n'/$'\n  '}"; fi
    if [[ -n $keep_data ]]; then kept=$(kept_data); fi
    if [[ -n $kept ]]; then say "kept, because of --keep-data: $kept"; fi
    say_edge "$keep_data"
    if ((${#LEFT_FOR_LATER[@]})); then
        refuse left_over "Our includes stay as comments until Apache's configuration is mended.$(unproven)" \
            "Mend it, type $CPANEL/scripts/restartsrv_httpd, then ./install.sh uninstall once more, in the folder of an unpacked release (the installed one is gone)."
    elif [[ -n $found ]]; then
        refuse left_over "Something is left (above).$(unproven)" "Look at it and remove it by hand."
    elif ((${#UNPROVEN[@]})); then
        refuse not_relaxed "Nothing of Origin Pulls is left, but not proven: ${UNPROVEN[*]}." \
            "Open these sites and look whether they answer."
    fi
    if [[ -n $kept ]]; then
        say "nothing else: no file, unit, hook, registration, or line in Apache's configuration"
    else
        say "nothing: no file, unit, hook, registration, user, or line in Apache's configuration"
    fi
}

# The sites that demanded something and did not prove that they answer, as the last words.
unproven() {
    if ((${#UNPROVEN[@]} == 0)); then return; fi
    if ! apache_error >/dev/null; then
        printf ' Until Apache reads it, these turn visitors away still: %s.' "${UNPROVEN[*]}"
    else
        printf ' Not proven to answer: %s.' "${UNPROVEN[*]}"
    fi
}

# Keys that are gone make our own certificate a stranger's for the next installation.
say_edge() {
    if [[ -z $PRESENTED ]]; then return; fi
    warn "at Cloudflare our certificates are still presented, to: $PRESENTED"
    if [[ -z $1 ]]; then
        warn "their keys are gone: delete them there (SSL/TLS, Origin Server) before you enforce anew"
    fi
}
