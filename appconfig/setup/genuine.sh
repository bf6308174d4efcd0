# shellcheck shell=bash disable=SC2153 # capitals come from places.sh
# Whether this tree and its wheels are what was released, or what was installed, and nothing else.

# A release carries checksums, and is nothing but what they name. A checkout has none and is taken
# as it is; one that was installed is what it was then.
check_genuine() {
    local wrong added
    if [[ ! -e $TOP/SHA256SUMS ]]; then
        check_installed_tree
        return
    fi
    wrong=$(cd -- "$TOP" && wanted_sums | sha256sum --check --strict --quiet - 2>&1) \
        || not_genuine "${wrong%%$'\n'*}"
    added=$(added_files)
    [[ -z $added ]] || not_genuine "SHA256SUMS does not name ${added%%$'\n'*}"
    say "checksums: all $(wanted_sums | wc -l) files are as released"
}

not_genuine() {
    refuse not_genuine "The release is damaged or was changed: $1" \
        "Fetch it again, and compare its checksum with the published one."
}

check_installed_tree() {
    if ! is_installed_tree; then
        say "checksums: none (a checkout, not a release)"
        return
    fi
    [[ $(head -n 1 "$TOP/.whole") == "$(tree_digest "$TOP")" ]] \
        || not_genuine "$TOP is not what was installed there"
    say "checksums: all files are as they were installed"
}

# The lines of SHA256SUMS. An installed release has no wheels any more: they are in its environment.
wanted_sums() {
    if is_installed_tree && [[ ! -e $TOP/wheelhouse ]]; then
        grep -vE '^[0-9a-f]{64} [ *]\./wheelhouse/' "$TOP/SHA256SUMS"
    else
        cat -- "$TOP/SHA256SUMS"
    fi
}

# What copy_tree would take along and SHA256SUMS does not name; what is no plain file has no sum.
added_files() {
    local name
    local -a there=()
    cd -- "$TOP" || return
    for name in "${RELEASED[@]}"; do
        if [[ (-e $name || -L $name) && $name != SHA256SUMS ]]; then there+=("./$name"); fi
    done
    find "${there[@]}" \( -name __pycache__ -o -name '*.egg-info' \) -type d -prune \
        -o -type f -print -o ! -type d -printf '%p (no plain file)\n' \
        | grep -v -x -F -f <(sed -E 's/^[0-9a-f]{64} [ *]//' SHA256SUMS) || true
}

# Every wheel must be one that the lock names by its hash, and none may be missing.
check_wheelhouse() {
    local wheel sum name
    if [[ -z $WHEELHOUSE ]]; then
        if is_installed_tree && is_sound "$TOP"; then
            say "wheelhouse: none is needed, this release is installed"
        else
            say "wheelhouse: none; the package index is asked"
        fi
        return
    fi
    compgen -G "$WHEELHOUSE/*.whl" >/dev/null || refuse not_genuine \
        "$WHEELHOUSE holds no wheels." "Name the folder of the release's wheels with --wheelhouse."
    while read -r sum wheel; do
        grep -q -- "sha256:$sum" "$TOP/requirements.lock" || refuse not_genuine \
            "$wheel is not a file that requirements.lock names." \
            "Fetch the release again; a wheel that was changed is not installed."
    done < <(sha256sum -- "$WHEELHOUSE"/*.whl)
    while read -r name; do
        [[ -n $(find "$WHEELHOUSE" -maxdepth 1 -iname "$name-*.whl" -print -quit) ]] || refuse \
            not_genuine "$WHEELHOUSE has no wheel of $name." \
            "It must belong to this very version; or leave --wheelhouse out."
    done < <(locked_names)
    say "wheelhouse: $WHEELHOUSE, every wheel is one that the lock names"
}

# Each package of the lock as the beginning of a wheel's name: "flask-3.1.3".
locked_names() {
    sed -nE 's/^([A-Za-z0-9._-]+)==([^ ;]+).*/\1 \2/p' "$TOP/requirements.lock" \
        | while read -r name version; do printf '%s-%s\n' "${name//-/_}" "$version"; done
}
