/*
 * A card that lies, in a reader of the PC/SC double: a virtual card whose
 * answers and files the fuzz input spoils, under the whole module. What it
 * answers otherwise is what a real session has, so an input need not make up
 * keys, certificates and cryptograms.
 *
 * The input is a byte of options, and then edits of seven bytes and more:
 *   0     what (the table in hostile.c); bit 7: every command, not of one kind
 *   1     the kind of command, by INS (the same table's); of a file: which one
 *   2     the first command of that kind, counted from 0
 *   3     how many of them; 0: all that follow
 *   4, 5  a place, or a status word
 *   6     n, and n bytes follow
 * Options: bit 0 generation, bits 1-2 reads beyond the end, bit 3 reads 200
 * bytes at most, bit 4 SELECT answers 61xx, bit 5 the PIN is lost after each
 * private operation, bit 6 a plain command ends the channel.
 */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vcard.h"

#define HOSTILE_READER "Hostile Reader 00 00"
#define HOSTILE_PIN "123456"
#define HOSTILE_GEN2 0x01

/*
 * Puts the card that the input describes into the reader, and draws the same
 * random numbers as in every run. Cards are made once, from tests/fuzz/cards.
 */
void hostile_begin(const uint8_t *data, size_t size);

/* From now on the card is as it was made: taken out, and put in again. */
void hostile_repent(void);

/* Takes it out, for good. */
void hostile_end(void);

/* The card now in the reader. */
struct vcard *hostile_card(void);

/* 0 for the first generation, 1 for the second. */
unsigned hostile_generation(void);

/* An edit has changed an answer or a file, or something happened to the card. */
bool hostile_struck(void);

/* No edit has touched anything but private operations and VERIFY: what was read is true. */
bool hostile_reads_are_true(void);

/* VERIFY commands that came to the reader since hostile_begin(). */
unsigned hostile_verifies(void);


#endif
