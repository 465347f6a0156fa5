// Numbers as both sides of a comparison read them: lines of "name size size …", a line "end", then every tensor's float32, row-major.
#pragma once

#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

struct Tensor {
  std::vector<long> sizes;
  std::vector<float> data;
};

using Bundle = std::vector<std::pair<std::string, Tensor>>;

inline std::map<std::string, Tensor> readBundle(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<std::string> names;
  std::map<std::string, Tensor> found;
  for (std::string line; std::getline(file, line) && line != "end";) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    Tensor tensor;
    for (long size; words >> size;) tensor.sizes.push_back(size);
    const long count = std::accumulate(tensor.sizes.begin(), tensor.sizes.end(), 1L, [](long a, long b) { return a * b; });
    tensor.data.resize(static_cast<size_t>(count));
    names.push_back(name);
    found[name] = std::move(tensor);
  }
  for (const std::string& name : names) {
    Tensor& tensor = found[name];
    file.read(reinterpret_cast<char*>(tensor.data.data()), static_cast<std::streamsize>(tensor.data.size() * sizeof(float)));
  }
  return found;
}

inline void writeBundle(const std::string& path, const Bundle& bundle) {
  std::ofstream file(path, std::ios::binary);
  for (const auto& [name, tensor] : bundle) {
    file << name;
    for (const long size : tensor.sizes) file << ' ' << size;
    file << '\n';
  }
  file << "end\n";
  for (const auto& [name, tensor] : bundle) {
    file.write(reinterpret_cast<const char*>(tensor.data.data()), static_cast<std::streamsize>(tensor.data.size() * sizeof(float)));
  }
}
