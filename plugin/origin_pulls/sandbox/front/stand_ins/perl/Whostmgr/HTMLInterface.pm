package Whostmgr::HTMLInterface;

# The sandbox's stand-in for WHM's older frame; prints to STDOUT, as the real one does.
use strict;
use warnings;
use Cpanel::SandboxFrame ();

sub defheader {
    my ( $title, undef, $url ) = @_;
    die "no such function here\n" if ( $ENV{SANDBOX_FRAME} // '' ) eq 'none';
    print Cpanel::SandboxFrame::top( $title, $url );
    return;
}

sub deffooter { print Cpanel::SandboxFrame::bottom(); return }

1;
