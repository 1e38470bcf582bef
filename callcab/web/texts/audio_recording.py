"""Sentences of recordings."""

from callcab.web.language import lazy_gettext as _l

TEXTS = {
    "audio_recording.not_found": _l("Такой аудиозаписи нет."),
    "audio_recording.choose": _l("Выберите аудиозапись или напишите текст."),
    "audio_recording.no_file": _l("Выберите файл со звуком."),
    "audio_recording.too_large": _l("Файл больше %(limit)s МБ. Сохраните его в MP3 и загрузите снова."),
    "audio_recording.not_audio": _l("Это не звук, или файл повреждён. Нужен MP3, WAV, OGG или FLAC."),
    "audio_recording.too_long": _l("Запись длиннее %(minutes)s минут: дольше звонок не длится. Сократите её."),
    "audio_recording.too_short": _l("Запись короче половины секунды: её никто не услышит."),
    "audio_recording.silent": _l("В записи тишина. Проверьте файл: возможно, звук записан слишком тихо."),
    "audio_recording.full": _l("Можно хранить не больше %(limit)s аудиозаписей. Удалите ненужные."),
    "audio_recording.in_use": _l("Аудиозапись «%(name)s» играют рассылки: %(campaigns)s. Её нельзя удалить."),
    "audit.audio_recording.upload": _l("Загружена аудиозапись"),
    "audit.audio_recording.delete": _l("Удалена аудиозапись"),
    "audit.section.audio_recording": _l("Аудиозаписи"),
}
