package Whostmgr::ACLS;

# The sandbox's stand-in: who may do what is read from the sandbox's list of resellers.
use strict;
use warnings;

our %ACL;
my ($base) = __FILE__ =~ m{\A(.*)/Whostmgr/ACLS\.pm\z};

sub init_acls {
    %ACL = ();
    my $user = $ENV{REMOTE_USER} // '';
    return $ACL{all} = 1 if $user eq 'root';
    open my $list, '<', "$base/../../../var/cpanel/resellers" or return;
    while (<$list>) {
        chomp;
        my ( $name, $acls ) = split /:/, $_, 2;
        next if $name ne $user;
        $ACL{$_} = 1 for split /,/, $acls // '';
    }
    return;
}

sub hasroot { return $ACL{all} ? 1 : 0 }

sub checkacl { return $ACL{all} || $ACL{ $_[0] } ? 1 : 0 }

1;
