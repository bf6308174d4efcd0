#!/usr/bin/env bash
# Origin Pulls: installs, upgrades and removes it on a cPanel server; shows it on a sandbox.
set -euo pipefail

# With it `cd` would go elsewhere, and say so.
unset CDPATH
TOP=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
WHEELHOUSE=''

for part in words places environment checks releases services panel store lifecycle edge uninstall demo; do
    # shellcheck source=/dev/null
    . "$TOP/appconfig/setup/$part.sh"
done

main() {
    local action='' directory='' kind='' keep_data='' with_edge='' given=("$@")
    while (($#)); do
        case $1 in
            install | upgrade | rollback | uninstall | status)
                [[ -z $action ]] || usage_error "$action and $1 do not go together."
                action=$1
                ;;
            --check | --dry-run | --demo | --version)
                [[ -z $action || $action == install ]] \
                    || usage_error "$1 and $action do not go together."
                action=$1
                ;;
            -h | --help) action=--help ;;
            --keep-data) keep_data=yes ;;
            --edge) with_edge=yes ;;
            --dir | --prepare | --wheelhouse)
                (($# > 1)) || usage_error "$1 needs a value."
                case $1 in
                    --dir) directory=$2 ;;
                    --wheelhouse) WHEELHOUSE=$2 ;;
                    --prepare) action=--prepare kind=$2 ;;
                esac
                shift
                ;;
            *) usage_error "There is no command or option $1." ;;
        esac
        shift
    done
    [[ -z $keep_data$with_edge || $action == uninstall ]] \
        || usage_error "--keep-data and --edge belong to uninstall."
    case $action in
        --demo) demo "$directory" ;;
        --prepare) prepare "$kind" ;;
        --help) show_help ;;
        --version) show_version ;;
        *)
            prepare_server
            on_server "${action:-install}" "$keep_data" "$with_edge" "${given[@]}"
            ;;
    esac
}

# The commands that work on this server; one at a time.
on_server() {
    local action=$1 keep_data=$2 with_edge=$3
    shift 3
    check_programs
    case $action in
        --check) check_server ;;
        --dry-run) say_plan ;;
        status) status ;;
        *)
            if [[ -z ${ORIGIN_PULLS_LOCKED:-} ]]; then run_locked "$@"; fi
            case $action in
                install) install_release ;;
                upgrade)
                    check_root
                    [[ -n $(current_release) ]] || refuse not_installed \
                        "Origin Pulls is not installed." "Type: ./install.sh"
                    install_release
                    ;;
                rollback) rollback_release ;;
                uninstall) uninstall "$keep_data" "$with_edge" ;;
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
    if [[ -n $WHEELHOUSE ]]; then
        [[ -d $WHEELHOUSE ]] || refuse not_genuine \
            "There is no folder $WHEELHOUSE." "Name the one with the release's wheels."
        WHEELHOUSE=$(cd -- "$WHEELHOUSE" && pwd -P)
    elif [[ -d $TOP/wheelhouse ]]; then
        WHEELHOUSE=$TOP/wheelhouse
    fi
}

# Start again under a lock that what we start (an Apache, say) does not inherit. It lies on a
# folder of the system, so a refusal leaves no file.
run_locked() {
    local code=0
    ORIGIN_PULLS_LOCKED=yes flock --nonblock --close --conflict-exit-code "${EXIT[busy]}" /opt \
        bash "$TOP/install.sh" "$@" || code=$?
    if ((code == EXIT[busy])); then
        refuse busy "Another installer runs on this server." "Wait until it has ended."
    fi
    leave "$code"
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
  --check             only look whether this server is fit; touches nothing
  --dry-run           look, and say what would be done; touches nothing
Options
  --wheelhouse DIR    take the packages from DIR; no network is needed (a release brings one)
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
