# Writes a file as a C array: const char NAME[]; const size_t NAME_len.
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include \"thesaurus_text.h\"\n\nconst char ${NAME}[] = {${bytes}0};\n"
  "const size_t ${NAME}_len = sizeof ${NAME} - 1;\n")
