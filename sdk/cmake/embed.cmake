# Writes the files of the plugin templates as C arrays, so that `sluice plugin new` needs no files
# beside the program. Done when CMake configures; changed templates configure again.
function(sluice_embed_templates output folder)
  set(rows "")
  set(arrays "")
  set(index 0)
  file(GLOB_RECURSE files CONFIGURE_DEPENDS RELATIVE ${folder} ${folder}/* ${folder}/.*)
  list(SORT files)
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${folder}/${file})
    file(READ ${folder}/${file} hex HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
    string(REGEX REPLACE "(................................................................................)"
      "\\1\n    " bytes "${bytes}")
    string(APPEND arrays "static const unsigned char file_${index}[] = {\n    ${bytes}0};\n")
    string(REGEX REPLACE "^([^/]*)/(.*)$" "{\"\\1\", \"\\2\", (const char *)file_${index}, sizeof file_${index} - 1}"
      row "${file}")
    string(APPEND rows "    ${row},\n")
    math(EXPR index "${index} + 1")
  endforeach()
  file(GENERATE OUTPUT ${output} CONTENT
"/* Made from sdk/template by CMake. */
#include \"cli/plugin_templates.h\"

${arrays}
const struct plugin_template plugin_templates[] = {
${rows}    {0}};
")
endfunction()
