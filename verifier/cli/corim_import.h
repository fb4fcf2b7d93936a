/* corim_import.h: `assay reference import FILE`: a vendor's signed reference values. */
#ifndef CLI_CORIM_IMPORT_H
#define CLI_CORIM_IMPORT_H

/* argv[0] is the command's name; an exit status. */
int corim_import(int argc, char **argv);

#endif
