# shellcheck shell=bash
# Everything in WHM and cPanel: pages, registrations, hooks; laid first, registered last, read back.

WHM_TEMPLATES=$CPANEL/whostmgr/docroot/templates
JUPITER_PAGES=$JUPITER/$PANEL_NAME
JUPITER_TILES=$JUPITER/assets/application_icons
DYNAMICUI=$JUPITER/dynamicui/dynamicui_$PANEL_NAME.conf
HOOK_FOLDER=$CPANEL/3rdparty/bin

# What RELEASE has for the panel; false with a reason when the panel did not take it. Callers
# run it under errexit: a step that fails ends it.
lay_panel() {
    local release=$1
    lay_whm "$release"
    lay_jupiter "$release"
    lay_hooks "$release"
    lay_cagefs
}

# A program of the panel, or a note that it is missing.
panel_has() {
    if [[ -x $1 ]]; then return; fi
    warn "$1 is missing on this server: $2"
    return 1
}

# -- WHM ---------------------------------------------------------------------------------------

lay_whm() {
    local from=$1/appconfig/whm
    [[ -e $from/$PANEL_NAME.conf ]] || return 0
    install -d -m 755 "$WHM_PAGES" "$WHM_ICONS" "$WHM_TEMPLATES"
    drop_others "$from" "$WHM_PAGES"/*.cgi "$WHM_TEMPLATES/$PANEL_NAME"*.tmpl
    lay_matching 700 "$WHM_PAGES" "$from"/*.cgi
    lay_matching 644 "$WHM_TEMPLATES" "$from"/*.tmpl
    lay_matching 644 "$WHM_ICONS" "$from/$PANEL_NAME".{svg,png}
    lay_static "$1" "$WHM_PAGES"
    panel_has "$CPANEL/bin/register_appconfig" "there will be no page in WHM; the commands work" \
        || return 0
    if ! cmp -s "$from/$PANEL_NAME.conf" "$WHM_APP" || ! is_registered "$1"; then
        "$CPANEL/bin/register_appconfig" "$from/$PANEL_NAME.conf" || {
            warn "WHM does not take the registration (its words are above)."
            return 1
        }
    fi
    is_registered "$1" || {
        warn "WHM says it registered $PANEL_NAME, and does not list it as it should."
        return 1
    }
    say "WHM: Plugins, Origin Pulls"
}

# Whether WHM itself lists the page, with its menu entry and its ACL.
is_registered() {
    "$CPANEL/bin/whmapi1" --output=json get_appconfig_application_list 2>/dev/null \
        | "$1/venv/bin/python" -I "$1/appconfig/setup/registered.py" "$1/appconfig/whm/$PANEL_NAME.conf"
}

# Files of a pattern that matched; a pattern that did not is its own name and no file.
lay_matching() {
    local mode=$1 folder=$2 file
    shift 2
    for file in "$@"; do
        if [[ -f $file ]]; then lay "$mode" "$file" "$folder/$(basename -- "$file")"; fi
    done
}

# What another version laid, and the one in FROM does not bring.
drop_others() {
    local from=$1 file
    shift
    for file in "$@"; do
        if [[ -f $file && ! -e $from/$(basename -- "$file") ]]; then rm -f -- "$file"; fi
    done
}

# Style sheets, scripts, pictures beside the entry script: readable, nothing secret, no programs.
# Each has twelve digits of its checksum in its name, which the pages compute as well: a browser
# never takes an old one for a new one.
lay_static() {
    local release=$1 folder=$2 file name sum
    local -a now=()
    for file in "$release"/static/*.*; do
        [[ -f $file && $file != *.md ]] || continue
        sum=$(sha256sum -- "$file")
        name=$(basename -- "$file")
        name=${name%.*}-${sum:0:12}.${name##*.}
        lay 644 "$file" "$folder/$name"
        now+=(! -name "$name")
    done
    find "$folder" -maxdepth 1 -type f -name '*-????????????.*' "${now[@]}" -delete
}

# One request through WHM's bridge, as cpsrvd would make it.
answers_through_panel() {
    local answer status
    [[ -x $WHM_PAGES/index.cgi && -e $UNITS/origin-pulls-web-admin.socket ]] || return 0
    answer=$(cd -- "$WHM_PAGES" && env -i PATH="$PATH" HOME=/root REMOTE_USER=root \
        REMOTE_ADDR=127.0.0.1 GATEWAY_INTERFACE=CGI/1.1 REQUEST_METHOD=GET QUERY_STRING=r=/ \
        SCRIPT_NAME="/cgi/addons/$PANEL_NAME/index.cgi" ./index.cgi 2>&1 </dev/null \
        | tr -d '\0' | head -c 65536) || true
    status=$(sed -nE '1,20s/^Status: *([0-9]+).*/\1/ip' <<<"$answer" | head -n 1)
    # The bridge says 200 also when the service is away, for no panel lets an error's page alone.
    if grep -qi '^x-origin-pulls-error:' <(head -n 20 <<<"$answer"); then
        warn "the page in WHM says that the service is away"
        return 1
    fi
    # Without a head it is no answer of the bridge, but why there is none.
    if ! grep -qi '^content-type:' <(head -n 20 <<<"$answer") || ((${status:-200} >= 400)); then
        warn "the page in WHM answers ${status:-with an error}: $(head -n 1 <<<"$answer")"
        return 1
    fi
    say "the page in WHM: answers ${status:-200}"
}

# -- cPanel (Jupiter) --------------------------------------------------------------------------

lay_jupiter() {
    local from=$1/appconfig/cpanel
    [[ -e $from/install.json ]] || return 0
    if [[ ! -d $JUPITER ]]; then
        warn "the theme Jupiter is missing: accounts get no page; WHM and the commands work"
        return 0
    fi
    install -d -m 755 "$JUPITER_PAGES"
    drop_others "$from" "$JUPITER_PAGES"/*.live.php
    lay_matching 644 "$JUPITER_PAGES" "$from"/*.live.php
    lay_static "$1" "$JUPITER_PAGES"
    # uninstall_plugin needs the very same folder again, long after the release went.
    install -d -m 755 "$PLUGIN_KEPT"
    lay_matching 644 "$PLUGIN_KEPT" "$from"/install.json "$from/$PANEL_NAME".{png,svg}
    panel_has "$CPANEL/scripts/install_plugin" "accounts get no tile" || return 0
    # Under a closed umask the tile would vanish without a word.
    (umask 022 && "$CPANEL/scripts/install_plugin" "$PLUGIN_KEPT" --theme=jupiter) || {
        warn "cPanel does not take the tile (its words are above)."
        return 1
    }
    make_sprite "$from/$PANEL_NAME.png"
    if [[ ! -e $DYNAMICUI ]]; then
        warn "install_plugin went well, and $DYNAMICUI is not there."
        return 1
    fi
    chmod 644 "$DYNAMICUI"
    # Each account's menu is kept until this time stamp changes.
    touch "$DYNAMICUI"
    if [[ ! -e $WHM_FEATURE ]]; then
        install -d -m 755 "$(dirname -- "$WHM_FEATURE")"
        printf '%s:Origin Pulls\n' "$PANEL_NAME" >"$WHM_FEATURE"
        chmod 644 "$WHM_FEATURE"
    fi
    say "cPanel: a tile in Jupiter"
}

# The tile's picture is cut out of one sheet, which is drawn from these files.
make_sprite() {
    if [[ -e $1 ]]; then lay 644 "$1" "$JUPITER_TILES/$PANEL_NAME.png"; fi
    if panel_has "$CPANEL/bin/sprite_generator" "the tile has no picture"; then
        "$CPANEL/bin/sprite_generator" --application=cpanel --theme=jupiter >/dev/null \
            || warn "sprite_generator failed: the tile has no picture"
    fi
}

# -- hooks -------------------------------------------------------------------------------------

lay_hooks() {
    local release=$1 file place
    for place in "$HOOK_FOLDER"/origin-pulls-*; do
        if [[ -f $place && ! -e $release/appconfig/hooks/$(basename -- "$place") ]]; then
            take_hook_away "$place"
        fi
    done
    for file in "$release"/appconfig/hooks/origin-pulls-*; do
        [[ -f $file ]] || continue
        place=$HOOK_FOLDER/$(basename -- "$file")
        lay 755 "$file" "$place"
        panel_has "$CPANEL/bin/manage_hooks" "changes of accounts are seen later" || continue
        if ! is_hooked "$place"; then
            "$CPANEL/bin/manage_hooks" delete script "$place" >/dev/null 2>&1 || true
            "$CPANEL/bin/manage_hooks" add script "$place" >/dev/null || true
        fi
        is_hooked "$place" || {
            warn "cPanel does not list the hooks of $place."
            return 1
        }
        say "hooks: $place"
    done
}

# Whether cPanel lists every event that the hook describes, with this hook and no other's.
is_hooked() {
    local listed event
    listed=$("$CPANEL/bin/manage_hooks" list --output JSON 2>/dev/null) || return 1
    listed=${listed//'\/'//}
    grep -q -F -- "\"$1 " <<<"$listed" || return 1
    for event in $("$1" --describe 2>/dev/null | grep -oE '"event": *"[^"]+"' | cut -d '"' -f 4); do
        grep -q -F -- "\"$1 --event=$event\"" <<<"$listed" || return 1
    done
}

# -- CageFS ------------------------------------------------------------------------------------

# Accounts in a cage need the folder of their socket mounted into it.
lay_cagefs() {
    [[ -f $CAGEFS ]] || return 0
    if grep -q -x -F "$RUN/account" "$CAGEFS"; then return; fi
    # A last line without an end would swallow ours.
    if [[ -n $(tail -c 1 -- "$CAGEFS") ]]; then printf '\n' >>"$CAGEFS"; fi
    printf '%s\n' "$RUN/account" >>"$CAGEFS"
    remount_cages
    say "CageFS: $RUN/account is mounted into the cages"
}

remount_cages() {
    if has cagefsctl; then
        cagefsctl --remount-all >/dev/null || warn "cagefsctl --remount-all failed"
    fi
}
