/*
 * ima_import.h: `assay reference import --ima-from-...`: allow-lists of files, of a root
 * file system or of what a device has run.
 */
#ifndef CLI_IMA_IMPORT_H
#define CLI_IMA_IMPORT_H

/* The arguments of the command; an exit status. */
int ima_import(int argc, char **argv);

#endif
