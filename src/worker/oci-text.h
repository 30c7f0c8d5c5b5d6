/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* The JSON of images of applications, for parser processes (worker/parser.h): an index of OCI (field `manifest`, a digest), a manifest of OCI
 * (`config`, `layer`*: digests), docker save's manifest.json (`config`, `layer`*: names of files, `tag`), and the configuration that all of them have. */

int oci_parse_index(const char *text, size_t size, char ***ret_fields, char **ret_error);
int oci_parse_manifest(const char *text, size_t size, char ***ret_fields, char **ret_error);
int oci_parse_docker(const char *text, size_t size, char ***ret_fields, char **ret_error);
/* `architecture`, `created`, `env`*, `argument`* (entry point and command), `directory`, `user`, `signal`, `label`* (KEY=VALUE), `diff`* (digests of
 * the layers as they are unpacked) */
int oci_parse_config(const char *text, size_t size, char ***ret_fields, char **ret_error);
