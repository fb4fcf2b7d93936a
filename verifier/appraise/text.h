/*
 * text.h: text from outside, made safe to show, log and store.
 */
#ifndef APPRAISE_TEXT_H
#define APPRAISE_TEXT_H

#include "evidence/reader.h"

/*
 * Copies in to ret with every byte that is not printable ASCII (and '\\') as \xNN,
 * at most cap - 1 characters and a NUL; a value that does not fit ends in "...".
 * Never fails; cap >= 8. (M8, D9)
 */
void text_escape(struct span in, char *ret, size_t cap);
/* As text_escape, but UTF-16LE input; code points above 0x7E become \uNNNN. */
void text_escape_utf16(struct span in, char *ret, size_t cap);
/* Whether a text has the form of a pattern: "*" any characters, "?" any one. */
bool text_matches(struct span pattern, struct span text);
/* Takes the next word of a list with blanks between; n 0 at the end. */
struct span text_next_word(struct span *list);
bool text_has_word(struct span list, struct span word);
/* How many letters a slip of the pen changed (Levenshtein); TEXT_WORD_MAX if one of them
 * is longer than that. For suggestions. */
#define TEXT_WORD_MAX 64
unsigned text_distance(const char *a, const char *b);
/* snprintf that reports nothing and always terminates; what does not fit ends in "...",
 * where there is room for it. */
void text_format(char *ret, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
