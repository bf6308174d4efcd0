# shellcheck shell=bash
# The demo: a sandbox around a real Apache, one domain enforced, and what visitors are answered.

SITE=blog.example
BYSTANDER=plain.example

demo() {
    local directory=$1
    local -a where=()
    if [[ -n $directory ]]; then where=(--dir "$directory"); fi
    check_machine
    step "1. What is needed"
    prepare run
    export PATH="$VENV/bin:$PATH"
    step "2. A cPanel server behind a Cloudflare, to try it on"
    bring_sandbox_up "${where[@]}"
    step "3. Before"
    look_before
    step "4. Give it a token, and enforce one domain: it goes the whole way by itself"
    give_token
    show origin-pulls --root "$DIRECTORY" enforce "$SITE"
    step "5. After"
    check_enforced
    step "6. A new certificate, while it is enforced"
    show origin-pulls --root "$DIRECTORY" rotate "$SITE"
    check_enforced
    step "7. Off: the origin first, Cloudflare after it. And on again"
    show origin-pulls --root "$DIRECTORY" off "$SITE"
    check "$SITE" "past Cloudflare" "HTTP 200" "$(answer_of "$SITE")"
    check "$SITE" "by Cloudflare" "HTTP 200" "$(answer_by_edge "$SITE")"
    show origin-pulls --root "$DIRECTORY" enforce "$SITE"
    check_enforced
    say_what_next "${directory:+ --dir $DIRECTORY}"
}

check_machine() {
    if [[ -e /usr/local/cpanel/cpanel ]]; then
        refuse real_panel "This is a real cPanel server; the demo stays away from it." \
            "Try it on another machine: a fresh Debian or Ubuntu."
    fi
    if ((EUID != 0)); then
        refuse not_root "The demo needs root: Apache and the sandbox's accounts have owners." "Use sudo."
    fi
    if ! has apt-get; then
        die "This is neither Debian nor Ubuntu (no apt-get)." "Use a fresh machine with one of them."
    fi
}

# Start it in the background; what it says of itself goes into SUMMARY and what is taken from it.
bring_sandbox_up() {
    say "\$ origin-pulls sandbox up --services${1:+ $*}"
    origin-pulls sandbox up --services "$@" >/dev/null \
        || die "The sandbox does not start." "Its reason stands above."
    SUMMARY=$(origin-pulls sandbox status "$@" --json)
    DIRECTORY=$(field directory <<<"$SUMMARY")
    PORT=$(field https_port <<<"$SUMMARY")
    SERVER_CA=$(field server_ca <<<"$SUMMARY")
    EDGE_ADDRESS=$(field edge_address <<<"$SUMMARY")
    EDGE_PORT=$(field edge_port <<<"$SUMMARY")
    say "$(field vhosts <<<"$SUMMARY") HTTPS vhosts on 127.0.0.1:$PORT, all below $DIRECTORY"
    say "Cloudflare's edge on $EDGE_ADDRESS:$EDGE_PORT, WHM on $(field whm_url <<<"$SUMMARY")"
}

look_before() {
    local now
    BEFORE=$(answer_of "$BYSTANDER")
    now=$(answer_of "$SITE")
    if [[ $now == refused* ]]; then now+=", since an earlier run"; fi
    row "$SITE" "past Cloudflare" "$now"
    check "$SITE" "by Cloudflare" "HTTP 200" "$(answer_by_edge "$SITE")"
    check "$BYSTANDER" "past Cloudflare" "HTTP 200" "$BEFORE"
}

# From the sandbox's own Cloudflare; on stdin, as a token never stands in a command line.
give_token() {
    say "\$ origin-pulls --root $DIRECTORY token add --label demo   # the token comes on stdin"
    field cloudflare_token <<<"$SUMMARY" \
        | origin-pulls --root "$DIRECTORY" token add --label demo 2>&1 | sed 's/^/  /' \
        || die "The token is not taken." "Its reason stands above."
}

check_enforced() {
    local shown leaf key
    shown=$(origin-pulls --root "$DIRECTORY" show "$SITE" --json)
    leaf=$(field certificate leaf <<<"$shown")
    key=$(field certificate key <<<"$shown")
    check "$SITE" "past Cloudflare" refused "$(answer_of "$SITE")"
    check "$SITE" "its certificate" "HTTP 200" "$(answer_of "$SITE" --cert "$leaf" --key "$key")"
    check "$SITE" "by Cloudflare" "HTTP 200" "$(answer_by_edge "$SITE")"
    check "$BYSTANDER" "past Cloudflare" "$BEFORE" "$(answer_of "$BYSTANDER")"
}

# The same by way of Cloudflare's edge, as visitors come.
answer_by_edge() {
    answer_of "$1" --connect-to "$1:$PORT:$EDGE_ADDRESS:$EDGE_PORT"
}

# What a request comes to: "HTTP STATUS, SIZE bytes; DIGEST", "refused …" or "failed: …".
answer_of() {
    local host=$1 output code=0
    shift
    # -q: no curlrc of this machine. No proxy: the sandbox is here.
    output=$(curl -q --silent --show-error --max-time 20 --noproxy '*' --cacert "$SERVER_CA" \
        --resolve "$host:$PORT:127.0.0.1" --write-out '\n%{http_code}, %{size_download} bytes' \
        "$@" "https://$host:$PORT/" 2>&1) || code=$?
    case $code in
        0) printf 'HTTP %s; %.64s\n' "${output##*$'\n'}" "$(sha256sum <<<"$output")" ;;
        # The handshake breaks off, or with TLS 1.3 an alert comes right after it.
        35 | 55 | 56) printf 'refused in the TLS handshake\n' ;;
        *) printf 'failed: %s\n' "${output%%$'\n'*}" ;;
    esac
}

# Print what a request came to; anything but EXPECTED (the beginning of it) ends the demo.
check() {
    local host=$1 shown=$2 expected=$3 answer=$4
    row "$host" "$shown" "$answer"
    if [[ $answer != "$expected"* ]]; then
        die "The demo failed: $host with $shown should have been \"$expected\"." \
            "The sandbox still runs; look at $DIRECTORY/etc/apache2/logs/error_log."
    fi
}

# HOST, what was shown, and the answer without its digest.
row() { printf '  %-14s %-16s %s\n' "$1" "$2" "${3%%;*}"; }

say_what_next() {
    local program=.venv/bin/origin-pulls
    cat <<NEXT

$SITE is enforced and $BYSTANDER answers as before. Try next:
  cd $TOP
  export ORIGIN_PULLS_ROOT=$DIRECTORY
  $program list
  $program edge $SITE                 # what Cloudflare does for it, and why
  $program show $SITE                 # its certificate, and the ways round
  $program prove $SITE                # real handshakes, now
  $program observe shop.example --dry-run    # steps and diffs; touches nothing
  $program off $SITE                  # everything as it was
  $program sandbox status --json      # also its Cloudflare's token, and switches (docs/CLOUDFLARE.md)
  curl --cacert $SERVER_CA --resolve $SITE:$PORT:127.0.0.1 https://$SITE:$PORT/
                                                           # no certificate: refused
Click through it (the certificate is the sandbox's own, so the browser warns):
  WHM     $(field whm_url <<<"$SUMMARY")    user root, password $(field passwords root <<<"$SUMMARY")
  cPanel  $(field cpanel_url <<<"$SUMMARY")    user blog, password $(field passwords blog <<<"$SUMMARY")
Stop and remove the sandbox:
  $program sandbox down$1
NEXT
}

# One value of a JSON document on standard input, named by its path.
field() {
    "$VENV/bin/python" -I -c '
import functools, json, operator, sys
print(functools.reduce(operator.getitem, sys.argv[1:], json.load(sys.stdin)))' "$@"
}

# Run a command and print it with its output, as somebody who types it would see it.
show() {
    say "\$ $*"
    "$@" 2>&1 | fold -s -w 96 | sed 's/^/  /; s/ *$//' || die "That failed: $*" "Its reason stands above."
}
