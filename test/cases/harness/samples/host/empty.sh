# shellcheck shell=bash
# There is no test in here.
