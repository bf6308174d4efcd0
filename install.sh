#!/usr/bin/env bash
# Origin Pulls: installs, upgrades and removes it on a cPanel server; shows it on a sandbox.
set -euo pipefail

# With it `cd` would go elsewhere, and say so.
unset CDPATH
TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
WHEELHOUSE=''

for part in words places environment checks genuine releases services panel panel_back store lifecycle telling \
    edge uninstall leftovers demo; do
    # shellcheck source=/dev/null
    . "$TOP/appconfig/setup/$part.sh"
done

main() {
    local command='' look='' directory='' kind='' keep_data='' with_edge=''
    while (($#)); do
        case $1 in
            install | upgrade | rollback | uninstall | status | --demo | --prepare | --version)
                [[ -z $command ]] || usage_error "$command and $1 do not go together."
                command=$1
                if [[ $1 == --prepare ]]; then
                    kind=$(value_of "$@")
                    shift
                fi
                ;;
            --check | --dry-run)
                [[ -z $look ]] || usage_error "$look and $1 do not go together."
                look=$1
                ;;
            -h | --help)
                show_help
                return
                ;;
            --keep-data) keep_data=$1 ;;
            --edge) with_edge=$1 ;;
            --dir)
                directory=$(value_of "$@")
                shift
                ;;
            --wheelhouse)
                WHEELHOUSE=$(value_of "$@")
                shift
                ;;
            *) usage_error "There is no command or option $1." ;;
        esac
        shift
    done
    command=${command:-install}
    goes_with "$look" install upgrade
    goes_with "$keep_data$with_edge" uninstall
    goes_with "${directory:+--dir}" --demo
    goes_with "${WHEELHOUSE:+--wheelhouse}" install upgrade
    case $command in
        --demo)
            if [[ -n $directory ]]; then directory=$(realpath -m -- "$directory"); fi
            cd /
            demo "$directory"
            ;;
        --prepare) prepare "$kind" ;;
        --version) show_version ;;
        *)
            prepare_server
            on_server
            ;;
    esac
}

# The word behind an option; an empty one is none.
value_of() {
    [[ -n ${2:-} ]] || usage_error "$1 needs a value."
    printf '%s\n' "$2"
}

# An OPTION that was given belongs to these commands alone.
goes_with() {
    local option=$1
    shift
    if [[ -n $option && " $* " != *" $command "* ]]; then
        usage_error "$option does not go with $command; it belongs to: $*."
    fi
}

# The commands that work on this server; those that change it one at a time.
on_server() {
    check_programs
    [[ $command != upgrade ]] || require_installed
    case $look in
        --check) check_server ;;
        --dry-run) say_plan ;;
        *)
            [[ $command == status ]] || take_lock
            case $command in
                install | upgrade) install_release ;;
                rollback) rollback_release ;;
                uninstall) uninstall "$keep_data" "$with_edge" ;;
                status) status ;;
            esac
            ;;
    esac
}

# Nothing of the caller's environment decides what root runs here.
prepare_server() {
    export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
    export HOME=/root LC_ALL=C
    unset PYTHONPATH PYTHONHOME PIP_CONFIG_FILE VIRTUAL_ENV ORIGIN_PULLS_ROOT
    umask 022
    trap say_unexpected EXIT
    trap interrupted INT TERM HUP
    if [[ -z $WHEELHOUSE && -d $TOP/wheelhouse ]]; then WHEELHOUSE=$TOP/wheelhouse; fi
    if [[ -n $WHEELHOUSE ]]; then
        [[ -d $WHEELHOUSE ]] || refuse not_genuine \
            "There is no folder $WHEELHOUSE." "Name the one with the release's wheels."
        WHEELHOUSE=$(cd -- "$WHEELHOUSE" && pwd -P)
    fi
    cd /
}

# One at a time. A process of its own holds the lock until this one has ended, however that comes:
# what we start (an Apache, say) does not inherit it. It lies on a file that root alone can open:
# anybody may lock what anybody may read.
take_lock() {
    local word=''
    check_root
    (umask 077 && : >>"$INSTALLER_LOCK")
    # shellcheck disable=SC2034 # bash names the process's ends so
    coproc LOCK { exec flock --timeout 3 "$INSTALLER_LOCK" sh -c 'echo held && exec cat'; }
    read -r word <&"${LOCK[0]}" || true
    [[ $word == held ]] \
        || refuse busy "Another installer runs on this server." "Wait until it has ended."
    # shellcheck disable=SC2034 # words.sh lets go of it
    HOLDS_LOCK=yes
}

show_help() {
    cat <<'HELP'
Usage: ./install.sh [COMMAND] [OPTIONS]

On a cPanel & WHM server, as root. Each command may be repeated: twice is as once, and what was
interrupted is finished by the next run.
  install             install this version, or upgrade to it (the default)
  upgrade             the same, but only where a version is installed already
  rollback            back to the version before
  uninstall           relax every vhost and prove it, then remove everything
  status              what is installed, what runs, whether it answers
Options
  --check             install, upgrade: only look whether this server is fit; touches nothing
  --dry-run           install, upgrade: look, and say what would be done; touches nothing
  --wheelhouse DIR    install, upgrade: take the packages from DIR; no network is needed (a
                      release brings one)
  --keep-data         uninstall: leave policies, certificates and logs
  --edge              uninstall: take what we set at Cloudflare away as well

Elsewhere
  --demo [--dir DIR]  build a cPanel-like sandbox around a real Apache, enforce one domain, show
                      it; DIR is where the sandbox goes (Debian or Ubuntu, as root)
  --prepare KIND      only install what is missing and fill .venv/; KIND is run or test
  --version, --help   print the version, print this

docs/OPERATING.md explains every exit code, and what to type when nothing else works.
HELP
}

show_version() { printf 'origin-pulls %s\n' "$(version_of "$TOP")"; }

main "$@"
