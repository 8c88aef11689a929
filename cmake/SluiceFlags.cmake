# Compiler flags: warnings are errors, hardening where the compiler knows the flag.
include(CheckCCompilerFlag)

add_library(sluice_flags INTERFACE)
target_compile_options(sluice_flags INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wformat=2 -Wno-format-nonliteral -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wimplicit-fallthrough -Werror -Wno-missing-field-initializers
  -fno-strict-aliasing -fno-delete-null-pointer-checks -fno-strict-overflow
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
target_compile_definitions(sluice_flags INTERFACE _GNU_SOURCE)

foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -Wbidi-chars=any -Wtrampolines)
  string(MAKE_C_IDENTIFIER "has${flag}" name)
  check_c_compiler_flag(${flag} ${name})
  if(${name})
    target_compile_options(sluice_flags INTERFACE ${flag})
  endif()
endforeach()

if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -O1 -fno-omit-frame-pointer
    -fsanitize=address,undefined -fno-sanitize-recover=all)
  target_link_options(sluice_flags INTERFACE -fsanitize=address,undefined)
  target_compile_definitions(sluice_flags INTERFACE SLUICE_SANITIZE=1)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(sluice_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
target_link_options(sluice_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code -Wl,--as-needed)

if(SLUICE_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "SLUICE_FUZZ needs clang: cmake -DCMAKE_C_COMPILER=clang -DSLUICE_FUZZ=ON")
  endif()
  target_compile_options(sluice_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(sluice_flags INTERFACE -fsanitize=address,undefined)
endif()
