package Cpanel::SandboxFrame;

# A frame with what WHM's has that a page can feel: foreign sheets, foreign scripts, a menu.
use strict;
use warnings;

sub top {
    my ( $title, $url ) = @_;
    my $token = $ENV{cp_security_token} // '';
    $url //= '';
    return <<"HTML";
<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WHM - $title</title>
<link rel="stylesheet" href="$token/themes/sandbox/whm.css">
<script>window.COMMON = {securityToken: "$token"};</script>
</head>
<body class="whm yui-skin-sam">
<header class="whm-top"><a href="$token/">WHM</a> <span class="muted">sandbox</span></header>
<div class="whm-columns">
<nav class="whm-menu" aria-label="WHM"><ul>
<li><a href="$token/">Home</a></li>
<li><a href="$token/scripts/command?PFILE=Plugins">Plugins</a></li>
<li><a href="$token/cgi/addons/originpulls/index.cgi">Origin Pulls</a></li>
</ul></nav>
<main id="contentContainer" class="whm-content">
<nav class="breadcrumbs" aria-label="Breadcrumb"><ol>
<li><a href="$token/scripts/command?PFILE=main">Home</a></li>
<li><a href="$token/scripts/command?PFILE=Plugins">Plugins</a></li>
<li><a href="$token$url" aria-current="page">$title</a></li>
</ol></nav>
<h1 class="page-header">$title</h1>
HTML
}

sub bottom {
    return <<'HTML';
</main>
</div>
<footer class="whm-bottom">A sandbox's drawing of a panel.</footer>
</body>
</html>
HTML
}

1;
