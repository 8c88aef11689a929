/* main.c - the program; everything is in libsluice, so that plugins and the program share it. */
#include "cli/cli.h"

int main(int argc, char **argv) {
    return sl_main(argc, argv);
}
