#!/usr/local/cpanel/3rdparty/bin/perl
# WHM's bridge to Origin Pulls: asks whether the caller is root, hands one request to the web
# service's root-only socket, and puts its answer into WHM's frame or passes it on as it is.
use strict; use warnings;
use lib '/usr/local/cpanel';
use Socket qw(AF_UNIX SOCK_STREAM pack_sockaddr_un);

use constant {
    SERVICE  => '/run/origin-pulls/admin/web.sock',
    PATIENCE => 30,           # seconds until the page or the answer's head is there; then for each part
    # Bytes: of a request's body, of a page that goes into the frame, of an answer's head.
    UPLOAD => 1_048_576, PAGE => 4_194_304, HEAD => 65_536,
};
my $SAFE = "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin\r\nContent-Security-Policy: frame-ancestors 'self'\r\n";
my ( $begun, $asked ) = ( 0, 0 );    # whether anything was printed (too late for another answer); whether a form was handed on

$SIG{PIPE} = 'IGNORE';
$SIG{ALRM} = sub { die "It did not answer within @{[PATIENCE]} seconds.\n" };
binmode $_ for \*STDIN, \*STDOUT;
eval { serve(); 1 } or do { my $why = $@; eval { failed($why) } };
exit 0;                       # anything else is a blank page in WHM

sub serve {
    eval { require Whostmgr::ACLS; Whostmgr::ACLS::init_acls(); Whostmgr::ACLS::hasroot() }
        or die [ '403 Forbidden', 'Only root, or a reseller with all privileges, may do this.' ];
    my ( $method, $query ) = ( $ENV{REQUEST_METHOD} // 'GET', $ENV{QUERY_STRING} // '' );
    my $length = $method eq 'POST' ? $ENV{CONTENT_LENGTH} // '' : 0;
    die [ '405 Method Not Allowed', 'Origin Pulls takes GET, HEAD and POST.' ]        if $method !~ /\A(?:GET|HEAD|POST)\z/;
    die [ '411 Length Required',    'The request does not say how long it is.' ]      if $length !~ /\A[0-9]{1,15}\z/;
    die [ '413 Payload Too Large',  'Origin Pulls takes no more than 1 MiB at once.' ] if $length > UPLOAD;
    die [ '400 Bad Request',        'The address of this page cannot be read.' ]      if $query !~ /\A[\x21-\x7e]{0,4000}\z/;
    my %headers = (
        'X-Origin-Pulls-User' => $ENV{REMOTE_USER}, 'X-Origin-Pulls-Acl' => 'all', 'X-Origin-Pulls-Address' => $ENV{REMOTE_ADDR},
        'Host' => $ENV{HTTP_HOST}, 'Origin' => $ENV{HTTP_ORIGIN}, 'Sec-Fetch-Site' => $ENV{HTTP_SEC_FETCH_SITE},
        $method eq 'POST' ? ( 'Content-Type' => $ENV{CONTENT_TYPE}, 'Content-Length' => $length ) : (),
    );
    my @said = grep { ( $headers{$_} // '' ) =~ /\A[\x21-\x7e](?:[\x20-\x7e]{0,1022}[\x21-\x7e])?\z/ } sort keys %headers;
    alarm PATIENCE; socket my $service, AF_UNIX, SOCK_STREAM, 0 or die "No socket can be made: $!.\n";
    connect $service, pack_sockaddr_un(SERVICE) or die "It is not there: $!.\n";
    $asked = $method eq 'POST'; # A service that has heard enough stops reading, and answers all the same.
    my $hears = send_all( $service, join "\r\n", "$method /?$query HTTP/1.0", ( map { "$_: $headers{$_}" } @said ), '', '' );
    while ( $hears && $length > 0 ) {
        my $got = sysread STDIN, my $part, $length < 65_536 ? $length : 65_536 or $asked = 0, die "The request broke off in the middle.\n";
        $length -= $got;
        $hears = send_all( $service, $part );
    }
    answer( $service, $method eq 'HEAD' );
}

sub send_all {
    my ( $to, $text ) = @_;
    while ( length $text ) { my $sent = syswrite $to, $text or return 0; substr $text, 0, $sent, '' }
    return 1;
}

sub answer {
    my ( $service, $is_bare ) = @_;
    my $text = '';
    while ( $text !~ /\r\n\r\n/ ) { length $text <= HEAD && sysread $service, $text, 8192, length $text or die "Its answer has no end of its head.\n" }
    my ( $head, $body ) = split /\r\n\r\n/, $text, 2;
    my ( $first, @lines ) = split /\r\n/, $head, -1;
    $first =~ m{\AHTTP/1\.[01] ([2-5][0-9]{2} ?[\x20-\x7e]*)\z} or die "Its answer is not HTTP.\n";
    my ( $status, $kept, $size, %ours ) = ( "Status: $1\r\n", '' );
    for (@lines) {
        my ( $name, $value ) = /\A([A-Za-z0-9-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\z/ or die "Its answer has a broken header.\n";
        if ( $name =~ /\AX-Origin-Pulls-(.+)/i ) { push @{ $ours{ lc $1 } }, $value; next }
        die "It answered in chunks, which nobody asked for.\n" if lc $name eq 'transfer-encoding';
        next if $name =~ /\A(?:Connection|Keep-Alive|Proxy-.*|TE|Trailer|Upgrade|Server|Date|Status)\z/i;
        $size = $value if lc $name eq 'content-length';
        $kept .= "$name: $value\r\n";
    }
    if ( $is_bare || !$ours{frame} ) {
        say_out("$status$kept\r\n");
        do { alarm PATIENCE; say_out($body) } while sysread $service, $body, 65_536;
        return;
    }
    while ( sysread $service, $body, 65_536, length $body ) { die "Its page is too long.\n" if length $body > PAGE }
    die "Its page broke off in the middle.\n" if defined $size && length $body != $size;
    my $file = qr/\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}/;    # beside this script, and nowhere else
    my @styles  = map { qq(<link rel="stylesheet" href="$_">\n) } grep { /$file\.css\z/ } @{ $ours{style}  // [] };
    my @scripts = map { qq(<script src="$_" defer></script>\n) } grep  { /$file\.js\z/ } @{ $ours{script} // [] };
    ( my $title = $ours{frame}[0] ) =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge;
    show( $status, $title, join '', @styles, $body, @scripts );
}

sub show {    # in WHM's frame by its template, else by its older functions, else as a page of our own
    my ( $status, $title, $page ) = @_;
    $title =~ s/([\x00-\x1f\x7f&<>"'])/'&#' . ord($1) . ';'/ge;
    my $whole = '';
    for my $frame ( \&by_template, \&by_functions ) {
        eval { local *STDOUT; open STDOUT, '>', \$whole or die; $frame->( $title, $page ) };
        $whole =~ s/\A(?:[A-Za-z-]+: [^\n]*\n)+\r?\n//;
        last if index( $whole, $page ) >= 0;
        $whole = qq(<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>$title</title></head>\n<body><h1>$title</h1>\n$page</body></html>\n);
    }
    say_out("${status}Content-Type: text/html; charset=utf-8\r\n$SAFE\r\n$whole");
}

sub by_template {
    require Cpanel::Template;
    my %given = ( template_file => 'originpulls.tmpl', print => 0, data => { title => $_[0], page => $_[1] } );
    my ( $ok, $page ) = Cpanel::Template::process_template( 'whostmgr', \%given );
    print ref $page ? $$page : $page if $ok;
}

sub by_functions {
    require Whostmgr::HTMLInterface;
    Whostmgr::HTMLInterface::defheader( $_[0], '', '/cgi/addons/originpulls/index.cgi' );
    print $_[1]; Whostmgr::HTMLInterface::deffooter();
}

sub failed {
    my ($why) = @_; alarm 0; return if $begun;
    return show( "Status: $why->[0]\r\n", 'Origin Pulls', "<h2>$why->[1]</h2>\n" ) if ref $why;
    my $done = $asked ? 'It may be done all the same: look at Jobs, and where it would be seen, before you ask again.' : 'Your sites are not touched by that: Apache goes on as it is.';
    chomp $why; $why =~ s/([&<>"'])/'&#' . ord($1) . ';'/ge;
    # Not a 503, because nobody promises that WHM leaves the page of an error alone.
    show( "X-Origin-Pulls-Error: away\r\n", 'Origin Pulls', <<"HTML" );
<h2>The web service of Origin Pulls does not answer</h2>
<p>$why $done</p>
<p>As root, type:<br><code>systemctl restart origin-pulls-web-admin</code><br><code>journalctl -u origin-pulls-web-admin -n 50</code></p>
HTML
}

sub say_out { $begun = 1; send_all( \*STDOUT, $_[0] ) or die "Nobody reads the answer any more.\n" }
