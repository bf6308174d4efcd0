# shellcheck shell=bash disable=SC2034 # the other files of the installer use them
# Where an installation lies, and what it leans on; docs/OPERATING.md has the same list.

readonly PREFIX=/opt/origin-pulls
readonly RELEASES=$PREFIX/releases
readonly CURRENT=$PREFIX/current
readonly PREVIOUS=$PREFIX/previous
readonly UNDER_WAY=$PREFIX/under-way # what an interrupted run was at
readonly LINK=/usr/local/bin/origin-pulls
readonly CONF=/etc/origin-pulls
readonly STATE=/var/lib/origin-pulls
readonly PAGES_STATE=/var/lib/origin-pulls-web # the pages' own, and no secret of root's
readonly LOGS=/var/log/origin-pulls
readonly RUN=/run/origin-pulls
readonly UNITS=/etc/systemd/system
readonly LOGROTATE=/etc/logrotate.d/origin-pulls
readonly COMPLETION=/etc/bash_completion.d/origin-pulls
readonly MANUAL=/usr/local/share/man/man8/origin-pulls.8
readonly TMPFILES=/etc/tmpfiles.d/origin-pulls.conf
readonly SERVICE_USER=origin-pulls

readonly CPANEL=/usr/local/cpanel
readonly PANEL_NAME=originpulls # one spelling towards cPanel, everywhere
readonly WHM_PAGES=$CPANEL/whostmgr/docroot/cgi/addons/$PANEL_NAME
readonly WHM_ICONS=$CPANEL/whostmgr/docroot/addon_plugins
readonly WHM_FEATURE=$CPANEL/whostmgr/addonfeatures/$PANEL_NAME
readonly WHM_APP=/var/cpanel/apps/$PANEL_NAME.conf
readonly JUPITER=$CPANEL/base/frontend/jupiter
readonly HOOK=$CPANEL/3rdparty/bin/origin-pulls-hook
readonly PLUGIN_KEPT=$PREFIX/$PANEL_NAME # what uninstall_plugin needs
readonly CAGEFS=/etc/cagefs/cagefs.mp
readonly EA4_PATHS=/etc/cpanel/ea4/paths.conf

# Whether this installer runs out of a release that is installed, and not out of an unpacked one.
is_installed_tree() { [[ $TOP -ef $RELEASES/$(basename -- "$TOP") && -s $TOP/.whole ]]; }

readonly OLDEST_CPANEL=110
readonly SPACE_PREFIX=400 # MB for two releases
readonly SPACE_STATE=100  # MB for the store
readonly LEAST_FREE=20    # MB: with less, a full disk is why something failed
