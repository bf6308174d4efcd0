package Cpanel::Template;

# The sandbox's stand-in: understands as much of a template as a page in WHM's master frame needs.
use strict;
use warnings;
use Cpanel::SandboxFrame ();

my ($base) = __FILE__ =~ m{\A(.*)/Cpanel/Template\.pm\z};

sub process_template {
    my ( $service, $given ) = @_;
    die "no such module here\n" if ( $ENV{SANDBOX_FRAME} // 'template' ) ne 'template';
    my $file = "$base/whostmgr/docroot/templates/$given->{template_file}";
    open my $opened, '<', $file or return ( 0, "Cannot open $file: $!" );
    my $text = do { local $/; <$opened> };
    my ( $wrap, $inner ) = $text =~ m{\A\s*\[%(.*?)-?%\](.*)\[%-?\s*END\s*-?%\]\s*\z}s
        or return ( 0, 'This stand-in only knows a page inside a WRAPPER' );
    $wrap =~ m{WRAPPER\s+'master_templates/master\.tmpl'} or return ( 0, 'No wrapper is named' );
    my ($url)    = $wrap =~ /^\s*url\s*=\s*'([^']*)'/m;
    my ($header) = $wrap =~ /header\s*=\s*data\.(\w+)/;
    $inner =~ s/\[%-?\s*data\.(\w+)\s*-?%\]/$given->{data}{$1}/g;
    my $page = Cpanel::SandboxFrame::top( $given->{data}{$header}, $url ) . $inner . Cpanel::SandboxFrame::bottom();
    print $page if $given->{print};
    return ( 1, \$page );
}

1;
