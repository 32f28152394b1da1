# Written by Greenfield.
umask 027
