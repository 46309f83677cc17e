// Hand-made models and detectors on the disk.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <string>

#include "detector_file.hpp"
#include "model_file.hpp"
#include "sdk/sha256.hpp"

namespace hpe::test {

// A folder of its own, which goes with the object. It has tiny.json with a network in float32 and in "8 bits" (which is the
// same), and detectors/face.json.
class ModelFolder {
  public:
    ModelFolder() : root_(std::filesystem::temp_directory_path() / ("hpe-" + std::to_string(std::random_device{}()))) {
        std::filesystem::create_directories(root_ / "detectors");
        write("tiny.safetensors", mean_network());
        write("tiny-int8.safetensors", mean_network());
        write_card("'int8':{'shift_deg':0.1,'bound_deg':0.2,'heads':5},");
        write("detectors/face.safetensors", bright_detector());
        std::string detector = detector_card().substr(1);
        write("detectors/face.json", "{" + json_text("'name':'bright','version':'2',") +
                                         files({{"safetensors", "detectors/face.safetensors"}}) + "," + detector);
    }
    ~ModelFolder() { std::filesystem::remove_all(root_); }
    ModelFolder(const ModelFolder&) = delete;
    ModelFolder& operator=(const ModelFolder&) = delete;

    [[nodiscard]] std::filesystem::path path(const std::string& name = "tiny.json") const { return root_ / name; }

    void write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name), std::ios::binary) << text;
    }
    void write(const std::string& name, const Bytes& bytes) const {
        write(name, std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }

    // tiny.json; `more` are further fields, each with a comma behind it, `listed` the member "files".
    void write_card(const std::string& more = "", const std::string& format = "hpe-edge-card/1", std::string listed = "") const {
        if (listed.empty()) listed = files({{"safetensors", "tiny.safetensors"}, {"safetensors-int8", "tiny-int8.safetensors"}});
        write("tiny.json", model_card("{'kind':'angles','output':'out'}", "8",
                                      "'name':'tiny','version':'1.2','format':'" + format + "'," + more + listed));
    }

    // The member "files" of a card, of files by kind.
    [[nodiscard]] std::string files(const std::map<std::string, std::string>& named) const {
        std::string text;
        for (const auto& [kind, name] : named) {
            std::ifstream file(path(name), std::ios::binary);
            const std::string data{std::istreambuf_iterator<char>(file), {}};
            const std::string plain = std::filesystem::path(name).filename().string();
            text += (text.empty() ? "'" : ",'") + kind + "':{'path':'" + plain + "','sha256':'" +
                    sdk::sha256_hex(std::as_bytes(std::span(data))) + "','bytes':" + std::to_string(data.size()) + "}";
        }
        return json_text("'files':{" + text + "}");
    }

  private:
    std::filesystem::path root_;
};

}  // namespace hpe::test
