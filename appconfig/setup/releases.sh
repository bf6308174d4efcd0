# shellcheck shell=bash disable=SC2153 # capitals come from places.sh
# Releases: a folder each with tree and environment; which one counts is a symlink.

# What of the tree belongs to a release.
RELEASED=(appconfig docs plugin static templates install.sh requirements.lock pyproject.toml
    LICENSE README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md SHA256SUMS)

install_python() {
    local package
    [[ -z $(find_python) ]] || return 0
    package=$(python_package)
    say "installing $package"
    if has dnf; then
        dnf --quiet --assumeyes install "$package" >&2
    else
        apt_get install --yes --no-install-recommends "$package"
    fi || packages_failed "$package cannot be installed." "The package tool's words are above."
    [[ -n $(find_python) ]] || packages_failed \
        "$package is installed, and still there is no Python 3.11 with venv." "Look at: rpm -q $package"
}

packages_failed() {
    nothing_was_switched
    refuse packages_failed "$@"
}

# The release of this tree in $RELEASE: built anew unless it stands there whole already.
build_release() {
    local python digests
    RELEASE=$RELEASES/$(release_name)
    if is_sound "$RELEASE"; then
        say "release: $RELEASE stands already"
        return
    fi
    say "release: building $RELEASE"
    install -d -m 755 "$PREFIX" "$RELEASES"
    rm -rf -- "$RELEASE"
    install -d -m 755 "$RELEASE"
    copy_tree "$RELEASE"
    python=$(find_python)
    "$python" -m venv "$RELEASE/venv" || release_failed "No environment can be made with $python."
    fill_release
    "$RELEASE/venv/bin/origin-pulls" --version >/dev/null || release_failed \
        "The new version does not start."
    "$RELEASE/venv/bin/python" -m origin_pulls.cli.manual >"$RELEASE/origin-pulls.8" \
        || release_failed "The manual page cannot be made."
    digests=$(release_digests "$RELEASE")
    printf '%s\n' "$digests" >"$RELEASE/.whole"
}

# VERSION, or VERSION-DIGEST where another tree of the same version stands there already, or a
# damaged one: a program that runs is never overwritten.
release_name() {
    local version digest name
    version=$(version_of "$TOP")
    digest=$(tree_digest "$TOP")
    local -a names=("$version" "$version-${digest:0:8}" "$version-${digest:0:8}-"{2..9})
    for name in "${names[@]}"; do
        if is_sound "$RELEASES/$name" && [[ $(head -n 1 "$RELEASES/$name/.whole") == "$digest" ]]
        then
            printf '%s\n' "$name"
            return
        fi
    done
    for name in "${names[@]}"; do
        if ! is_needed "$RELEASES/$name"; then
            printf '%s\n' "$name"
            return
        fi
    done
}

# Whether nothing may be built in the place of RELEASE.
is_needed() {
    [[ $1 == "$(current_release)" || $1 == "$BEFORE" || $1 -ef $TOP ]] || is_sound "$1"
}

# Whether a release was built to its end.
is_whole() { [[ -s $1/.whole && -x $1/venv/bin/python ]]; }

# Whether all of it is as it was then, by the digest that was kept. (Another version may have built
# it: so no list of names decides about this one.)
is_sound() {
    local kept
    is_whole "$1" || return 1
    kept=$(sed -n 2p "$1/.whole")
    [[ -z $kept || $kept == "$(digest_of "$1" .)" ]]
}

# A digest of the tree, and one of everything that lies there.
release_digests() {
    tree_digest "$1"
    digest_of "$1" .
}

copy_tree() {
    local name
    for name in "${RELEASED[@]}"; do
        if [[ -e $TOP/$name ]]; then cp -R --no-preserve=ownership -- "$TOP/$name" "$1/"; fi
    done
    find "$1" -name __pycache__ -prune -exec rm -rf {} +
    find "$1" -name '*.egg-info' -prune -exec rm -rf {} +
    # Whoever packed it: readable for the service's user, writable for root alone.
    chmod -R u=rwX,go=rX -- "$1"
}

# One word for the content of a tree, whoever compiled or installed in it.
tree_digest() {
    (
        cd -- "$1" || exit
        local -a there=()
        for name in "${RELEASED[@]}"; do
            if [[ -e $name && $name != SHA256SUMS ]]; then there+=("$name"); fi
        done
        digest_of . "${there[@]}"
    )
}

# One word for the content of what is named in FOLDER, but for what Python compiled.
digest_of() {
    (
        cd -- "$1" || exit
        shift
        find "$@" -type f ! -path '*/__pycache__/*' ! -path '*.egg-info/*' ! -path ./.whole -print0 \
            | LC_ALL=C sort -z | xargs -0 --no-run-if-empty sha256sum | sha256sum | cut -c 1-64
    )
}

# The packages of the lock as wheels alone: nothing is compiled on a server.
fill_release() {
    local folder
    local -a source=()
    if [[ -n $WHEELHOUSE ]]; then source=(--isolated --no-index --find-links "$WHEELHOUSE"); fi
    "$RELEASE/venv/bin/python" -m pip --quiet --disable-pip-version-check --no-input install \
        --no-cache-dir --only-binary :all: --require-hashes "${source[@]}" \
        --requirement "$RELEASE/requirements.lock" \
        || release_failed "The packages of requirements.lock cannot be installed."
    folder=$("$RELEASE/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    printf '%s\n' "$RELEASE/plugin" >"$folder/origin-pulls.pth"
    {
        printf '#!%s\n' "$RELEASE/venv/bin/python"
        printf 'from origin_pulls.cli import main\n\nmain()\n'
    } >"$RELEASE/venv/bin/origin-pulls"
    chmod 755 "$RELEASE/venv/bin/origin-pulls"
    "$RELEASE/venv/bin/python" -m compileall -q "$RELEASE/plugin" >/dev/null || true
}

release_failed() {
    local hint="Is the package index reachable? Without a network, use --wheelhouse." place free
    if [[ -n $WHEELHOUSE ]]; then
        hint="The words above say why. The wheels must be those of this version, for this Python."
    fi
    for place in "$RELEASES" "${TMPDIR:-/tmp}"; do
        free=$(free_space "$place")
        if ((free < LEAST_FREE)); then
            hint="$(nearest_folder "$place") has only $free MB free: make room there."
        fi
    done
    rm -rf -- "$RELEASE"
    nothing_was_switched
    refuse release_failed "$1" "Nothing was switched; what ran runs on. $hint"
}

# The release that counts now; empty where none does.
current_release() { readlink -- "$CURRENT" || true; }

# Point LINK at TARGET in one step: at no time is there none.
point() {
    ln -sfn -- "$2" "$1.new"
    mv -T -- "$1.new" "$1"
}

# Make RELEASE the one to go back to; none where it is empty.
set_previous() {
    if [[ -n $1 ]]; then point "$PREVIOUS" "$1"; else rm -f -- "$PREVIOUS"; fi
}

# Make RELEASE the one that counts, and the one before it the one to go back to.
switch_to() {
    local before
    before=$(current_release)
    if [[ -n $before && $before != "$1" ]]; then point "$PREVIOUS" "$before"; fi
    point "$CURRENT" "$1"
    point "$LINK" "$CURRENT/venv/bin/origin-pulls"
    say "current: $1"
}

# The current and the previous release stay; older ones and half-built ones go.
prune_releases() {
    local release
    for release in "$RELEASES"/*; do
        if [[ $release != "$(current_release)" && $release != "$(readlink -- "$PREVIOUS")" ]]; then
            say "removing $release"
            rm -rf -- "$release"
        fi
    done
}
