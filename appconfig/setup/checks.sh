# shellcheck shell=bash
# Everything that is looked at before the first change; each check ends with its own code.

# All of them. What passes is a line; the first that does not ends the installer.
check_server() {
    step "Is this server fit?"
    check_root
    say "root: yes"
    check_cpanel
    check_easyapache
    check_systemd
    check_genuine
    check_wheelhouse
    check_python
    check_space
    check_copies
    check_front
    check_apache
}

check_root() {
    ((EUID == 0)) || refuse not_root "Only root can install this." "Use sudo, or log in as root."
}

# What this installer runs besides the core utilities; a small system may lack some.
PROGRAMS=(flock:util-linux cmp:diffutils find:findutils xargs:findutils getent:glibc-common
    useradd:shadow-utils userdel:shadow-utils groupdel:shadow-utils)

check_programs() {
    local pair
    for pair in "${PROGRAMS[@]}"; do
        has "${pair%:*}" || refuse no_program "The program ${pair%:*} is not on this server." \
            "AlmaLinux, Rocky, CloudLinux: dnf install ${pair#*:}. Ubuntu has it in a package of much the same name."
    done
}

check_cpanel() {
    local version major
    [[ -d $CPANEL && -r $CPANEL/version ]] || refuse no_cpanel \
        "There is no cPanel & WHM here ($CPANEL/version is missing)." \
        "./install.sh --demo shows everything on a sandbox, on a machine without cPanel."
    version=$(<"$CPANEL/version")
    major=${version#11.}
    major=${major%%.*}
    if [[ ! $major =~ ^[0-9]+$ ]] || ((major < OLDEST_CPANEL)); then
        refuse no_cpanel "cPanel & WHM $version is too old; $OLDEST_CPANEL or newer is needed." \
            "Update it: $CPANEL/scripts/upcp"
    fi
    say "cPanel & WHM: $version"
}

check_easyapache() {
    [[ -e /etc/cpanel/ea4/is_ea4 && -n $(setting "$EA4_PATHS" bin_httpd) ]] || refuse no_easyapache \
        "Apache does not come from EasyApache 4 here ($EA4_PATHS does not name it)." \
        "Install EasyApache 4 (WHM, Software, EasyApache 4)."
    say "EasyApache 4: yes"
}

check_systemd() {
    if [[ ! -d /run/systemd/system ]] || ! has systemctl; then
        refuse no_systemd "This machine does not run under systemd." "The services need it."
    fi
    say "systemd: yes"
}

check_python() {
    local package
    if [[ -n $(find_python) ]]; then
        say "Python: $("$(find_python)" --version 2>&1)"
        return
    fi
    package=$(python_package)
    [[ -n $package ]] || refuse no_python \
        "There is no Python 3.11 or newer, and no package of this system brings one." \
        "AlmaLinux, Rocky, CloudLinux: dnf install python3.12. Ubuntu: apt-get install python3.12-venv."
    say "Python: will be installed ($package)"
}

# The newest package of the distribution that brings a Python of ours; empty if none does.
python_package() {
    local name
    for name in python3.12 python3.11; do
        if has dnf && dnf --quiet list "$name" >/dev/null 2>&1; then
            printf '%s\n' "$name"
            return
        elif has apt-cache && apt-cache show "$name-venv" >/dev/null 2>&1; then
            printf '%s\n' "$name-venv"
            return
        fi
    done
}

check_space() {
    local place needed free
    for place in "$PREFIX:$SPACE_PREFIX" "$STATE:$SPACE_STATE"; do
        needed=${place#*:}
        place=${place%:*}
        free=$(free_space "$place")
        ((free >= needed)) || refuse no_space \
            "$(nearest_folder "$place") has $free MB free; $needed MB are needed." "Make room there."
    done
    say "space: enough"
}

# How many MB are free where PATH is, or would be.
free_space() { df --output=avail -BM -- "$(nearest_folder "$1")" | tail -n 1 | tr -dc 0-9; }

# PATH, or the nearest folder above it that exists.
nearest_folder() {
    local path=$1
    while [[ ! -d $path ]]; do path=$(dirname -- "$path"); done
    printf '%s\n' "$path"
}

# Something of our name that no installer of ours laid is not overwritten.
check_copies() {
    local path home
    if [[ -e $LINK || -L $LINK ]] && [[ $(readlink -- "$LINK") != "$PREFIX"/* ]]; then
        foreign "$LINK"
    fi
    if [[ -e $PREFIX && ! -d $RELEASES && ! -e $UNDER_WAY ]]; then foreign "$PREFIX"; fi
    for path in "$UNITS"/origin-pulls* "$LOGROTATE" "$COMPLETION" "$MANUAL" "$HOOK"; do
        if [[ -f $path ]] && ! grep -q "Origin Pulls" "$path"; then foreign "$path"; fi
    done
    if [[ -e $WHM_APP ]] && ! grep -q "^entryurl=addons/$PANEL_NAME/" "$WHM_APP"; then
        foreign "$WHM_APP"
    fi
    home=$(getent passwd "$SERVICE_USER" | cut -d : -f 6) || true
    [[ -z $home || $home == "$STATE" ]] || foreign "the user $SERVICE_USER (home $home)"
    say "other copies: none"
}

foreign() {
    refuse foreign_copy "$1 is there already, and this installer did not make it." \
        "Look what it belongs to; move it away if it is an older copy of Origin Pulls."
}

# Where TLS ends before Apache, no client certificate reaches it.
check_front() {
    local port public holders
    public=$(sed -n 's/^public_https_port: *//p' "$CONF/config.yaml" 2>/dev/null) || true
    public=${public:-443}
    port=$(setting /var/cpanel/cpanel.config apache_ssl_port)
    port=${port##*:}
    if [[ -e /etc/nginx/ea-nginx/cpanel_localhost_header.json ]]; then
        refuse_front "ea-nginx ends TLS"
    elif [[ -e /usr/local/lsws/bin/lshttpd ]]; then
        refuse_front "LiteSpeed ends TLS"
    elif [[ ${port:-443} != "$public" ]]; then
        refuse front_server \
            "Something stands before Apache: its HTTPS port is ${port:-443}, and visitors arrive at $public." \
            "Does a firewall or router lead $public to it unopened? Write \`public_https_port: ${port:-443}\` into $CONF/config.yaml; else remove what ends TLS there."
    fi
    # Other programs may have the same port on addresses of their own.
    holders=$(holders_of "$public")
    [[ -z $holders || $holders =~ (^| )(httpd|apache2)( |$) ]] || refuse_front \
        "port $public belongs to $holders"
    say "TLS ends in Apache: yes, at port $public"
}

refuse_front() {
    refuse front_server "Something stands before Apache: $1." \
        "Client certificates do not get through it. Remove it (WHM, NGINX Manager), then come back."
}

# The programs that listen on PORT, in one line; empty where it cannot be told.
holders_of() {
    has ss || return 0
    ss -H -ltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)".*/\1/p' \
        | sort -u | paste -sd ' '
}

check_apache() {
    local words
    words=$("$(setting "$EA4_PATHS" bin_httpd)" -t 2>&1) || refuse apache_broken \
        "Apache's configuration is broken as it is: $(one_line "$words")" \
        "Mend that first: $CPANEL/scripts/rebuildhttpdconf shows where."
    say "Apache's configuration: valid"
}
