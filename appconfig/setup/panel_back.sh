# shellcheck shell=bash disable=SC2153 # capitals come from places.sh and panel.sh
# What panel.sh laid and registered in WHM and cPanel, taken away, and whether they still know it.

# Everything of panel.sh, taken away; hooks first, while their program is still there.
take_panel_away() {
    local hook
    for hook in "$HOOK_FOLDER"/origin-pulls-*; do
        if [[ -f $hook ]]; then take_hook_away "$hook"; fi
    done
    if [[ -e $WHM_APP && -x $CPANEL/bin/unregister_appconfig ]]; then
        "$CPANEL/bin/unregister_appconfig" "$PANEL_NAME" >/dev/null || true
    fi
    rm -rf -- "$WHM_APP" "$WHM_PAGES" "$WHM_TEMPLATES/$PANEL_NAME"*.tmpl \
        "$WHM_ICONS/$PANEL_NAME".{svg,png}
    take_tile_away
    if [[ -f $CAGEFS ]] && grep -q -x -F "$RUN/account" "$CAGEFS"; then
        sed -i "\\|^$RUN/account\$|d" "$CAGEFS"
        remount_cages
    fi
}

# A hook's program stays while cPanel calls it: it does nothing without us, and is needed to have
# cPanel forget it.
take_hook_away() {
    if [[ -x $CPANEL/bin/manage_hooks ]]; then
        "$CPANEL/bin/manage_hooks" delete script "$1" >/dev/null 2>&1 || true
    fi
    if grep -q -x -F -- "$1" <<<"$(hooks_still)"; then
        warn "cPanel does not forget the hooks of $1"
    else
        rm -f -- "$1"
    fi
}

# The hooks of ours that cPanel calls still, one a line; its own list where its program fails.
hooks_still() {
    local listed
    listed=$("$CPANEL/bin/manage_hooks" list --output JSON 2>/dev/null) \
        || listed=$(cat -- /var/cpanel/hooks.yaml 2>/dev/null) || true
    grep -o -E -- "$HOOK_FOLDER/origin-pulls-[a-z-]*" <<<"$listed" | sort -u || true
}

# What the panel itself says that it knows of us, one a line.
registered_still() {
    hooks_still | sed 's/^/registered in cPanel: /'
    if "$CPANEL/bin/whmapi1" --output=json get_appconfig_application_list 2>/dev/null \
        | grep -q "\"$PANEL_NAME\""; then
        printf 'registered in WHM (AppConfig): %s\n' "$PANEL_NAME"
    fi
}

take_tile_away() {
    local had_picture=''
    if [[ -d $PLUGIN_KEPT && -x $CPANEL/scripts/uninstall_plugin ]]; then
        "$CPANEL/scripts/uninstall_plugin" "$PLUGIN_KEPT" --theme=jupiter >/dev/null || true
    fi
    if [[ -e $JUPITER_TILES/$PANEL_NAME.png ]]; then had_picture=yes; fi
    rm -rf -- "$JUPITER_PAGES" "$PLUGIN_KEPT" "$DYNAMICUI" "$WHM_FEATURE" \
        "$JUPITER_TILES/$PANEL_NAME".{svg,png}
    if [[ -n $had_picture && -x $CPANEL/bin/sprite_generator ]]; then
        "$CPANEL/bin/sprite_generator" --application=cpanel --theme=jupiter >/dev/null || true
    fi
}
