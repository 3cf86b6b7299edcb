#!/bin/sh
# mod_fcgid runs this as www-data. Descriptor 0 is the listening socket, and the program in the jail gets it as it is.
exec /usr/local/bin/trampoline alice -- /home/alice/app.fcgi
