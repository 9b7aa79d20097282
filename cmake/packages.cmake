# Debian's packages that Suture builds on. What goes into the agent is linked statically and
# hidden: a host that exports json_loads or cs_open must not be able to hijack it.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(suture_static_library name archive header)
  find_library(${name}_ARCHIVE ${archive} REQUIRED)
  find_path(${name}_INCLUDE ${header} REQUIRED)
  add_library(suture_pkg_${name} INTERFACE)
  target_include_directories(suture_pkg_${name} SYSTEM INTERFACE ${${name}_INCLUDE})
  target_link_libraries(suture_pkg_${name} INTERFACE ${${name}_ARCHIVE})
endfunction()

suture_static_library(capstone libcapstone.a capstone/capstone.h)
suture_static_library(json_c libjson-c.a json-c/json.h)
suture_static_library(sodium libsodium.a sodium.h)

# Of the C++ runtime the demangler alone: the command starts in two milliseconds, its library would
# cost another.
add_library(suture_pkg_demangler INTERFACE)
target_link_libraries(suture_pkg_demangler INTERFACE -l:libstdc++.a)

pkg_check_modules(ELF REQUIRED IMPORTED_TARGET libelf)
pkg_check_modules(DW REQUIRED IMPORTED_TARGET libdw)
pkg_check_modules(SMARTCOLS REQUIRED IMPORTED_TARGET smartcols)
pkg_check_modules(CMOCKA IMPORTED_TARGET cmocka)
